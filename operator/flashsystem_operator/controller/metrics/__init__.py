"""What /metrics shows: numbers kept as things happen (`meter`), and numbers counted when somebody asks (`tally`).

Only here is prometheus-client known. Nothing is global: each worker has a meter of its own, which goes with it, so that
nothing is shown of an array that is gone.
"""
