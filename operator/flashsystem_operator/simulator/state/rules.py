"""Releases of the command line, the rules for undocumented behaviour, and the limits of the array."""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Dialect = Literal["legacy", "modern"]

EVER = (0,)
NEVER = (99,)
LEGACY_UNTIL = (1,)
"""End of what only the legacy products have: below every release of the modern ones."""
COMPRESSION = (6, 4)
SITES = (7,)
VOLUMES = (7, 6)
"""mkvolume and rmvolume."""
HOST_CLUSTERS = (7, 7)
THROTTLES = (7, 7)
EIGHT = (8,)
PROTOCOLS = (8, 3)
PORTSETS = (8, 4, 2)
PORTSET_TYPES = (8, 5)
SNAPSHOTS = (8, 5, 1)
CLONES = (8, 6, 2)
PARTITIONS = (8, 7)
NINE_ONE = (9, 1)


@dataclass(frozen=True, slots=True)
class Level:
    """A dialect and a release. Legacy products count as older than every release of the modern ones."""

    legacy: bool
    release: tuple[int, ...]

    @classmethod
    def of(cls, dialect: Dialect, release: str) -> "Level":
        return cls(dialect == "legacy", tuple(int(part) for part in release.split(".")))

    def at(self, *release: int) -> bool:
        """Whether the array has what was added in this release."""
        return self.within(release)

    def within(self, since: tuple[int, ...], until: tuple[int, ...] = NEVER) -> bool:
        age = EVER if self.legacy else self.release
        return since <= age < until


Code = str
NodeVerbs = Literal["lsnode", "lsnodecanister", "both"]


class Rules(BaseModel):
    """Behaviour that is not documented or differs between arrays. None: `for_array` chooses by dialect and release."""

    model_config = ConfigDict(extra="forbid", validate_default=True)

    shell_chains: bool | None = Field(None, description="`;`, `&&`, `||` and echo work. Legacy: unproven, so no.")
    prefix_required: bool | None = Field(None, description="A verb needs svcinfo or svctask before it. Legacy: yes.")
    host_filters: bool | None = Field(None, description="`-filtervalue` on lshost. Legacy: unproven, so no.")
    map_list_without_object: bool | None = Field(None, description="lshostvdiskmap lists all mappings. Legacy: no.")
    brief_lssystem: bool | None = Field(None, description="lssystem prints id, name and open access only. Legacy: yes.")
    map_io_group_columns: bool | None = Field(None, description="lshostvdiskmap shows I/O groups. Legacy: no.")
    node_verbs: NodeVerbs | None = Field(None, description="Which verb lists the nodes. Legacy: lsnode; modern: both.")
    other_host_code: Code | None = Field(
        None, description="A second host without -force. Legacy 6045E, modern 6071E, from 9.1 on 9375E."
    )
    volume_missing_code: Code = Field("CMMVC5804E", description="mkvdiskhostmap of an unknown volume; or 5753E.")
    volume_unknown_code: Code = Field("CMMVC5754E", description="ls of an unknown volume; or 5753E.")
    unmap_unmapped_code: Code = Field("CMMVC5842E", description="rmvdiskhostmap of a pair that is none; or 5804E.")
    iqn_taken_code: Code = Field("CMMVC6578E", description="An IQN of another host, or none at all; or 6581E, 9754E.")
    lun_clash_checked_first: bool = Field(False, description="5879E before 5878E when both apply.")
    lun_out_of_range_code: Code = Field("CMMVC5742E", description="A -scsi number that is no LUN; or 5844E.")
    smallest_legacy_volume: int = Field(
        1 << 30, ge=0, description="Bytes; a smaller legacy volume is 7301E. Cinder's docs: 1 GB; the message: 1 MB."
    )
    full_stop_after_creation: bool = Field(
        False, description="Answers of mkvdisk and mkvolume end in a full stop. So the guide; recorded ones do not."
    )
    mkthrottle_answers: bool = Field(True, description="mkthrottle prints an id, as recorded. The guide shows nothing.")
    one_property_per_chvdisk: bool | None = Field(
        None, description="chvdisk with two properties is 5713E; no: it sets both. Legacy: unproven, so no."
    )
    formats_new_volumes: bool = Field(
        False, description="A new fully allocated volume is `formatting`, until a change of the volume ends it."
    )
    formatting_blocks_expand: bool = Field(
        True, description="expandvdisksize while formatting is 8587E. The guide contradicts itself."
    )
    expand_rounds_up: bool | None = Field(
        None,
        description="An increase is rounded up to whole MB (documented: 8.7); no: odd bytes are 7019E. Legacy: no.",
    )
    expand_replicated_code: Code = Field(
        "CMMVC9207E", description="expandvdisksize of a remote copy primary; older releases 9201E."
    )
    mapped_volume_code: Code = Field("CMMVC5840E", description="rmvdisk of a mapped volume; newer releases also 8698E.")
    rmvolume_gone_code: Code = Field("CMMVC8957E", description="rmvolume of an unknown volume; or 5753E.")
    mkvolume_full_code: Code = Field("CMMVC8710E", description="mkvolume in a pool without room; or 5860E.")
    drp_autoexpand_code: Code = Field(
        "CMMVC9173E", description="mkvdisk without -autoexpand in a data reduction pool; or 9190E."
    )
    drp_deletion_lingers: bool = Field(
        False,
        description="A volume removed from a data reduction pool stays `deleting` until this rule is set to false.",
    )
    volume_protection_code: Code = Field(
        "CMMVC8458E", description="rmvdisk and rmvolume of a volume with recent I/O; or 8459E."
    )
    newer_protection_codes: bool = Field(
        False, description="Volume protection refuses with 8478E to 8484E, not 8457E to 8463E. Both are documented."
    )
    in_cluster_code: Code = Field("CMMVC5753E", description="rmhost of a host in a host cluster. Unsourced.")
    shell_refused_code: Code = Field("CMMVC6070E", description="Shell syntax where there is no shell. Unsourced.")
    unknown_command_text: str = Field("rbash: {verb}: command not found", description="Exit status 127.")
    lsportip_after_portsets: Literal["empty", "rows"] = Field(
        "empty", description="lsportip from 8.4.2 on: it answers, but no source shows what it lists."
    )
    iscsi_host_protocol: Literal["iscsi", "scsi"] = Field(
        "iscsi", description="What a host shows that was made with -iscsiname and no -protocol, from 8.7 on."
    )
    unmapped_iscsi_host: Literal["by_io_groups", "degraded", "offline"] = Field(
        "by_io_groups", description="Status of a host with sessions and no mapping. The guide contradicts itself."
    )
    empty_list_header: bool = Field(False, description="An empty list prints its header. Documented: nothing at all.")
    lun_per_io_group: bool = Field(False, description="Without -scsi each I/O group takes its own lowest free LUN.")
    longest_chap_secret: int = Field(79, description="Characters that a CHAP secret may have. Unsourced.")
    chap_secret_code: Code = Field("CMMVC5703E", description="A CHAP secret that is too long or empty. Unsourced.")
    map_answer_id: Literal["lun", "serial"] = Field("lun", description="The number in mkvdiskhostmap's answer.")
    chap_secrets_hidden: bool = Field(False, description="lsiscsiauth prints yes or no and no secret.")
    iscsiauth_cluster_row: bool = Field(False, description="lsiscsiauth begins with a row of the system itself.")
    new_wording: bool | None = Field(None, description="Refusals use volume, not VDisk. From 8.0 on.")
    copies_complete_at_once: bool = Field(
        False, description="FlashCopy maps with a copy rate and clones are complete when they start, not at a change."
    )
    slow_prepare: bool = Field(False, description="A FlashCopy map stays preparing; startfcmap -prep is 8984E.")
    restore_needed_code: Code = Field(
        "CMMVC6468E", description="A start without -restore onto the source of an active map. Unsourced."
    )
    finished_clone_type: Literal["", "clone"] = Field(
        "", description="volume_type of a clone that is complete. No source shows it."
    )
    unfinished_clone_expands: bool = Field(
        False, description="A clone can be expanded while it is filled. The code otherwise, 9661E, is inferred."
    )
    texts: dict[Code, str] = Field({}, description="Another text for a code: localised, reworded, empty.")
    too_many_sessions: Literal["closed", "7017E"] = Field(
        "closed", description="A session too many is closed, or lives and has 7017E on stdout for every answer."
    )
    login_message: str = Field("", description="What chbanner sets: shown at every login.")
    login_message_on: Literal["ssh", "stdout", "stderr"] = Field(
        "stdout", description="Where: as SSH banner before the login, or before each answer. No source shows it."
    )
    banner: str = Field("", description="A line that the shell prints to stderr before a refusal.")
    iplogin: bool | None = Field(None, description="lshostiplogin exists. From 8.4.2 on.")

    def for_array(self, level: Level) -> "Rules":
        """Return these rules with all defaults for a dialect and release."""
        modern = not level.legacy
        filled = {
            "shell_chains": modern,
            "prefix_required": not modern,
            "host_filters": modern,
            "map_list_without_object": modern,
            "brief_lssystem": not modern,
            "map_io_group_columns": modern,
            "node_verbs": "both" if modern else "lsnode",
            "other_host_code": ("CMMVC9375E" if level.at(9, 1) else "CMMVC6071E") if modern else "CMMVC6045E",
            "one_property_per_chvdisk": modern,
            "expand_rounds_up": modern,
            "new_wording": level.at(8),
            "iplogin": level.at(8, 4, 2),
        }
        given = self.model_dump(exclude_none=True)
        return Rules.model_validate({**filled, **given})


class Limits(BaseModel):
    """Limits of the array. 0 disables a limit; the defaults are the published ones of a small system."""

    model_config = ConfigDict(extra="forbid", validate_default=True)

    sessions: int = Field(32, ge=0, description="SSH sessions; one more is closed right after it has logged in.")
    other_sessions: int = Field(0, ge=0, description="Sessions that a GUI and other clients hold of those.")
    channels: int = Field(0, ge=0, description="Open channels of one connection; one more is refused.")
    connections_per_second: int = Field(0, ge=0, description="New connections; more are dropped. Published: 15.")
    connection_burst: int = Field(3, ge=1, description="New connections at once while the rate is limited.")
    unauthenticated: int = Field(0, ge=0, description="Connections that have not logged in yet. Published: 3.")
    hosts: int = Field(1024, ge=0, description="Host objects.")
    hosts_per_io_group: int = Field(0, ge=0, description="Host objects in one I/O group. Published: 256.")
    iqns: int = Field(0, ge=0, description="iSCSI names of all hosts. Published: 2048.")
    iqns_per_io_group: int = Field(1024, ge=0, description="iSCSI names in one I/O group. Published: 256.")
    ports_per_host: int = Field(32, ge=0, description="Ports of one host.")
    mappings: int = Field(0, ge=0, description="Mappings of all hosts.")
    luns_per_host: int = Field(2048, ge=0, description="Mappings of one host; also one above the highest LUN.")
