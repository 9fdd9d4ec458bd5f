"""The planner: desired state and inventory in, decisions and statuses out. No clock, network, kopf, kubernetes or SSH.

desired          the desired state around one array, and what belongs to what
decision         the closed family of decisions, and every reason of a condition
array            plan and status of a FlashSystemArray
audit            objects on an array that no resource explains
host             host object, host settings and CHAP secret of a FlashSystemHost
attachment       mapping and unmapping of a volume for a VolumeAttachment; the detach guard
luns             choice and quarantine of LUNs
batch            plan many objects, one after another, each on what the earlier ones leave
drift            changes on the array outside the operator
safety           detach rate limit, volume protection
overrides        annotations that hold back commands
access           tenancy: what the array allows to which namespace
limits           configuration limits of arrays
unreadable       resources that depend on output that cannot be read
required_looks   what has to be read from the array before decisions are reliable
outputs          connection Secret and PersistentVolume of an attachment
status           statuses of hosts and attachments
conditions       conditions for a decision
events           Kubernetes Events
change_reason    why a command is sent, for the change log
redaction        what a message may show to which namespace
names            names of host objects and imported resources
text             parts of messages
codes, reasons   explanations of the array's codes, and of reasons
importing        resources for existing objects of an array
dry_run          what would happen if resources were applied
"""
