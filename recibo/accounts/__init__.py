"""Whose account at which gateway: its address, its secrets, since when it is connected.

(The people who log in to the console are users of ``django.contrib.auth``, not accounts.)
"""
