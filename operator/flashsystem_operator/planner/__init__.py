"""Decides. Wishes and facts in, decisions and statuses out: no clock, no network, no kopf, no kubernetes, no SSH.

names        how our host objects are called, and what a name proves
world        what is wished around one array
decision     the closed family of answers, and every reason a condition can give
array        may anything be done through this array at all
host         which host object belongs to a FlashSystemHost, and what it lacks
attachment   what brings one volume to one host, or takes it away
lun          which LUN
batch        many of them, one after another, each on what the earlier ones leave
focus        what has to be looked at before any of this may be believed
status       decisions and facts, as conditions and fields
"""
