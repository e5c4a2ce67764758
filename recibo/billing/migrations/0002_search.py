from django.db import migrations

# The words that a customer is found by: those of the name, without accents, and the document
# without punctuation. Nothing but built-in functions, so that it works on every PostgreSQL.
CREATE = r"""
create function billing_customer_words(name text, document text) returns tsvector
    language sql immutable parallel safe
    return to_tsvector(
        'pg_catalog.simple',
        regexp_replace(normalize(name, nfkd), '[\u0300-\u036f]', '', 'g')
        || ' ' || regexp_replace(document, '[^0-9A-Za-z]', '', 'g')
    );

create index customer_words on billing_customer
    using gin (billing_customer_words(name, document));
"""
DROP = "drop index customer_words; drop function billing_customer_words(text, text)"


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]
    operations = [migrations.RunSQL(CREATE, DROP)]
