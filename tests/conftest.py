"""What all tests share."""

# Tests of re-ingest that are ahead of the code: each leaves this list when it passes.
collect_ignore = [
    "api/test_ingest_commands.py",
    "api/test_owner.py",
    "ingest/test_hostile_documents.py",
    "ingest/test_kills.py",
    "ingest/test_model.py",
    "ingest/test_readers.py",
    "ingest/test_watch.py",
]
