from django.db import models


class Limit(models.Model):
    """A bucket of turns, see ``limits.py``."""

    name = models.CharField(max_length=120, primary_key=True)
    turns = models.FloatField()
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
