"""Work whose time has come: rows say what is due, one short job per kind drains them.

The engine (Procrastinate) carries nudges, not work items; what it gets wrong when machines and
databases die is made good here, in one place.
"""
