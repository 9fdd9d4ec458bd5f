"""The metrics at /metrics: counters and histograms of events (`Meter`), and counts made for each scrape (`Tally`).

prometheus-client is used only here. Nothing is global: each worker has a meter of its own that ends with it, so that
an array that is gone has no metrics.
"""
