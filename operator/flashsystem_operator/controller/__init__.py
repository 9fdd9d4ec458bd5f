"""Keeps going: from what is seen in the cluster to passes over the arrays, level-triggered.

clients     from a kubeconfig, or a pod's service account, to a client of the API server
kube        the API server, as far as we need it
answers     what it may answer
cache       every object of our kinds, as last seen, and who hangs on whom
delays      which object is due when
lease       who works an array, and whether we still may write to it
access      from a FlashSystemArray and its Secret to a session
steps       the commands of a pass, in order where order matters
rounds      one pass: look, plan, record, act, look again, say what is there
worker      pass after pass for one array
strays      objects whose array is not there
controller  all of these together
health      probes
"""
