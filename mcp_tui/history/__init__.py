"""The log on disk.

``base``        protocol that both stores keep
``memory``      store without a disk
``jsonl``       one locked JSONL file per conversation
``recorder``    one writer per process: batches, acknowledges
``journal``     what happens under the lock: numbering, appending, rolling back
``creation``    a whole new conversation, or nothing
``known``       what a writer must know of a journal's content
``compaction``  superseded fragments leave the file
``trash``       deleted conversations, until they are restored or removed for good
``checking``    what is wrong with the files
``repair``      damaged lines leave the log for a file beside it
``reading``     a conversation from its files, without a lock
``ending``      the last turns of a long conversation, without the rest
``parts``       its beginning, or what is around an event, likewise
``following``   what other processes append, as it comes
``catalog``     the list of conversations
``list_cache``  what the list knows of each file, kept beside them
``tally``       what the list tells of one file, counted without decoding it
``search``      the full-text index, a cache
``calls``       the tool calls of all conversations
``lines``       the line format: checksum, tolerant reading
``blobs``       large values in content-addressed side files
``locking``     file locks and turn leases
``names``       which file belongs to which conversation
``contract``    what both stores check before they take events
``fs``          the calls to the system, so that a test can make any of them fail
``write``       whole writes, refusals in our words
"""
