"""A virtual document on Textual's line API: many sections, each a list of blocks, of which few are ever drawn.

``heights``   prefix sums that take a changed height in logarithmic time
``colours``   code that waits for its colours, and who colours it
``style``     what a block needs to draw itself: width, palette, highlighter
``wrapping``  styled text to lines, by cells
``block``     the smallest unit: kept as source with an estimated height until it is looked at
``section``   blocks of one entry of the document
``document``  all sections; positions that survive any change of heights
``view``      the window: frames, scrolling, selection
"""
