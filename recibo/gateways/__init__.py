"""Who speaks to us: every folder is a gateway, every file is shared by all of them.

A gateway knows no framework, no database, no clock and no setting: bytes in, facts out.
"""
