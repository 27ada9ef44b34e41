"""Write the demonstration corpus: our own prompts, with planted topics, loners, duplicates and bad rows.

Examples:
    python -m jobs.demonstrate --out demo/pairs.jsonl
    python -m jobs.demonstrate --out large.jsonl.gz --rows 276000
"""
