"""The log on disk.

``base``      protocol that both stores keep
``memory``    store without a disk
``jsonl``     one locked JSONL file per conversation
``lines``     the line format: checksum, tolerant reading
``blobs``     large values in content-addressed side files
``locking``   file locks and turn leases
``recorder``  one writer per process: batches, acknowledges, numbers
"""
