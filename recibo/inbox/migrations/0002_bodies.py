from django.db import migrations

CREATE = """
create table inbox_eventbody (
    event_id bigint not null,
    retention varchar(16) not null,
    received_at timestamptz not null,
    headers bytea not null,
    query bytea not null,
    body bytea not null
) partition by list (retention);

create index inbox_eventbody_event on inbox_eventbody (event_id);

create table inbox_eventbody_charge partition of inbox_eventbody
    for values in ('charge') partition by range (received_at);
create table inbox_eventbody_other partition of inbox_eventbody
    for values in ('other') partition by range (received_at);

create table inbox_eventbody_charge_default partition of inbox_eventbody_charge default;
create table inbox_eventbody_other_default partition of inbox_eventbody_other default;

-- Statistics of an empty table give plans that scan it when it is full: look again early.
alter table inbox_event set (
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02
);
"""


class Migration(migrations.Migration):
    dependencies = [("inbox", "0001_initial")]
    operations = [migrations.RunSQL(CREATE, "drop table inbox_eventbody")]
