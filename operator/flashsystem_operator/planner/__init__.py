"""The planner: desired state and inventory in, decisions and statuses out. No clock, network, kopf, kubernetes or SSH.

desired         the desired state around one array, what belongs to what, tenancy, what a message may show to whom
decision        the closed family of decisions, and every reason of a condition
array           plan and status of a FlashSystemArray
host            host object, host settings and CHAP secret of a FlashSystemHost
volume          creation, import, growth and deletion of the volume of a FlashSystemVolume
attachment      mapping and unmapping of a volume for a VolumeAttachment; the detach guard
batch           plan many objects, one after another, each on what the earlier ones leave; the list of policies
policies        overrides by annotation, and the detach rate limit
drift           changes on the array outside the operator
luns            choice and quarantine of LUNs; configuration limits of arrays
outputs         connection, its Secret and PersistentVolume of an attachment
status          statuses of hosts, volumes and attachments
events          Kubernetes Events, and why a command is sent
text            parts of messages, and conditions for a decision
codes, reasons  explanations of the array's codes, and of reasons
audit           objects on an array that no resource explains
importing       resources for existing objects of an array, and their names
dry_run         what would happen if resources were applied
"""
