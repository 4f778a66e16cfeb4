package spool

// block is what is kept of blockSize bytes of a blob.
type block struct {
	// buf is nil for a block in the file, and for one that was discarded.
	buf       *buffer
	discarded bool
	// room is set while the file holds the block's room.
	room bool
	// start and end bound what was written of a block in memory; between
	// them, and only there, buf is of this blob.
	start, end int64
}

// extend makes room for a write, with zeros between it and what is there.
func (b *block) extend(from, to int64) {
	if b.start == b.end {
		b.start, b.end = from, to
		return
	}
	if from > b.end {
		clear(b.buf[b.end:from])
	}
	if to < b.start {
		clear(b.buf[to:b.start])
	}
	b.start, b.end = min(b.start, from), max(b.end, to)
}

// read reads a block in memory, from a byte on.
func (b *block) read(p []byte, from int64) int {
	to := from + int64(len(p))
	start, end := min(max(b.start, from), to), max(min(b.end, to), from)
	if start >= end {
		clear(p)
		return len(p)
	}
	clear(p[:start-from])
	copy(p[start-from:end-from], b.buf[start:end])
	clear(p[end-from:])
	return len(p)
}
