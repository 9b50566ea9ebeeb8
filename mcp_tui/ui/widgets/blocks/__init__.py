"""What the conversation shows, as blocks of a virtual document.

``markdown``   a growing Markdown text to blocks, its last line on trial
``structure``  the block structure of Markdown, line by line
``containers`` quotes and list items: which of them a line goes on in
``syntax``     the lines of Markdown as regular expressions
``inline``     emphasis, code, links inside a line of Markdown to styled text
``leaves``     paragraph, heading, rule, literal text
``code``       fenced code in pieces of bounded height
``highlight``  colours for code, a slice at a time
``table``      tables fitted to the width
``flow``       growing text, taken in a slice at a time
``chrome``     headers, footers and bars around an item
``item``       an item as an entry: what all kinds share
``messages``   the entries of inputs, answers and notices
``tools``      the entry of a tool call
``views``      which entry shows an item
"""
