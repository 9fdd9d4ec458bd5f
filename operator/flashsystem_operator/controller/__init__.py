"""The controller: from objects in the cluster to passes over the arrays, level-triggered.

manager       all of these together: takes watch events, and runs a worker per array
cache         every object of our kinds, as last seen, and its dependents
unassigned    objects whose array or host is missing
worker        pass after pass for one array
workqueue     which object is due when, the back-off, and blocking work in threads
leases        which replica works an array
access        create a session from a FlashSystemArray and its Secret
connection    the access of one array over time: open, replace, wait after a refused login
reconciler    one pass: observe, plan, record, execute, observe, write statuses
observer      what a pass reads from the array
executor      the commands of a pass, in order where order matters, and a line in the change log for each
pass_memory   what a worker remembers between passes
chap_secrets  the desired CHAP secrets of hosts
outputs       connection Secret and PersistentVolume of an attachment
array_status  the status of an array, and of its objects while it is not ready
writer        statuses, finalizers and Events
health        probes
kube          the client of the API server
metrics       what /metrics shows
"""
