from django.db import migrations

# A block range index: a few bytes for every 256 kB of rows, next to nothing for each insert.
# Rows lie roughly in the order they came, which is all that it needs.
CREATE = """
create index event_received on inbox_event using brin (received_at)
    with (pages_per_range = 32, autosummarize = on);
"""


class Migration(migrations.Migration):
    dependencies = [("inbox", "0002_bodies")]
    operations = [migrations.RunSQL(CREATE, "drop index event_received")]
