"""`make demo`: the operator at work, for a person to watch. Every step shows what it claims, and checks it.

screen     what is written, for a terminal or for a pipe
array      a simulated array, started by the product's own command
stage      cluster, operator and a namespace, for as long as the demo lasts
resources  what a user would write
steps      the frame of a step: announced, done, shown, checked
story      the steps themselves
"""
