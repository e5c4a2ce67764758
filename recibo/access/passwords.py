"""Passwords that people can type from a screen."""

import secrets

#: Without signs that look alike.
SIGNS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
GROUPS, LENGTH = 4, 4


def generate() -> str:
    """A password of 19 characters: four groups with hyphens between, some 90 bits of chance.

    It has small and capital letters, digits and symbols, as many applications insist.
    """
    while True:
        groups = ["".join(secrets.choice(SIGNS) for _ in range(LENGTH)) for _ in range(GROUPS)]
        password = "-".join(groups)
        tests = (str.islower, str.isupper, str.isdigit)
        if all(any(test(sign) for sign in password) for test in tests):
            return password
