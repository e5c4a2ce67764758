import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("billing", "0005_corrections"),
    ]

    operations = [
        migrations.CreateModel(
            name="Delivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("lane", models.CharField(blank=True, default="", max_length=64)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("delivered", "Delivered"),
                            ("failed", "Failed"),
                        ],
                        default="pending",
                        max_length=16,
                    ),
                ),
                ("attempts", models.SmallIntegerField(default=0)),
                ("next_attempt_at", models.DateTimeField(blank=True, null=True)),
                ("claimed_until", models.DateTimeField(blank=True, null=True)),
                ("status_code", models.SmallIntegerField(blank=True, null=True)),
                ("error", models.TextField(blank=True, default="")),
                ("created_at", models.DateTimeField()),
                ("delivered_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Endpoint",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("url", models.CharField(max_length=500)),
                ("description", models.CharField(blank=True, default="", max_length=200)),
                ("events", models.JSONField(blank=True, default=list)),
                ("gateways", models.JSONField(blank=True, default=list)),
                ("accounts", models.JSONField(blank=True, default=list)),
                ("products", models.JSONField(blank=True, default=list)),
                ("is_ordered", models.BooleanField(default=False)),
                ("concurrency", models.PositiveSmallIntegerField(default=4)),
                ("per_second", models.FloatField(blank=True, null=True)),
                ("sealed_secrets", models.BinaryField(default=b"")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("disabled_at", models.DateTimeField(blank=True, null=True)),
                (
                    "disabled_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "No"),
                            ("operator", "Operator"),
                            ("gone", "Gone"),
                            ("failing", "Failing"),
                        ],
                        default="",
                        max_length=16,
                    ),
                ),
                ("failing_since", models.DateTimeField(blank=True, null=True)),
                ("error", models.TextField(blank=True, default="")),
                ("resting_until", models.DateTimeField(blank=True, null=True)),
                ("turns", models.FloatField(default=0)),
                ("turns_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Attempt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("status_code", models.SmallIntegerField(blank=True, null=True)),
                ("duration_ms", models.IntegerField()),
                ("error", models.TextField(blank=True, default="")),
                ("answer", models.TextField(blank=True, default="")),
                (
                    "delivery",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tries",
                        to="outbound.delivery",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="delivery",
            name="endpoint",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="deliveries",
                to="outbound.endpoint",
            ),
        ),
        migrations.CreateModel(
            name="PublishedChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.UUIDField()),
                ("type", models.CharField(max_length=48)),
                ("version", models.SmallIntegerField(default=1)),
                ("at", models.DateTimeField()),
                ("position", models.BigIntegerField(blank=True, null=True)),
                ("event_id", models.BigIntegerField(blank=True, null=True)),
                ("subject", models.CharField(max_length=16)),
                ("subject_id", models.BigIntegerField()),
                ("before", models.CharField(blank=True, default="", max_length=24)),
                ("after", models.CharField(blank=True, default="", max_length=24)),
                ("gateway", models.CharField(blank=True, default="", max_length=32)),
                ("account", models.CharField(blank=True, default="", max_length=64)),
                ("product_id", models.TextField(blank=True, default="")),
                ("data", models.TextField(blank=True, default="")),
                (
                    "customer",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="billing.customer",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="delivery",
            name="change",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="deliveries",
                to="outbound.publishedchange",
            ),
        ),
        migrations.AddIndex(
            model_name="publishedchange",
            index=models.Index(
                condition=models.Q(("position__isnull", True)),
                fields=["id"],
                name="change_unplaced",
            ),
        ),
        migrations.AddIndex(
            model_name="publishedchange",
            index=django.contrib.postgres.indexes.BrinIndex(
                autosummarize=True, fields=["at"], name="change_by_time"
            ),
        ),
        migrations.AddConstraint(
            model_name="publishedchange",
            constraint=models.UniqueConstraint(
                condition=models.Q(("position__isnull", False)),
                fields=("position",),
                name="change_position",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("next_attempt_at__isnull", False)),
                fields=["endpoint", "next_attempt_at"],
                name="delivery_due",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("claimed_until__isnull", False)),
                fields=["endpoint"],
                name="delivery_going",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(
                    ("next_attempt_at__isnull", False), models.Q(("lane", ""), _negated=True)
                ),
                fields=["endpoint", "lane", "id"],
                name="delivery_in_lane",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["endpoint", "status", "-id"], name="delivery_by_status"),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.UniqueConstraint(
                fields=("endpoint", "change"), name="delivery_unique"
            ),
        ),
    ]
