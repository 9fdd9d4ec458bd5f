"""The controller: from objects in the cluster to passes over the arrays, level-triggered.

manager     all of these together: takes watch events, runs a worker per array, reports on objects that have none
cache       every object of our kinds, as last seen, and its dependents; which object is due when
worker      pass after pass for one array
connection  the access to one array: its session, opened, replaced, held after a refused login; its Lease
reconciler  one pass: observe, plan, record, execute, observe, write statuses
observer    what a pass has to read from the array, and reading it
executor    the commands of a pass, in order where order matters; the change log; what is remembered of them
outputs     connection Secret and PersistentVolume of an attachment; CHAP secrets of hosts
writer      statuses, finalizers and Events; what is reported of an array
health      probes
kube        the client of the API server
metrics     what /metrics shows
"""
