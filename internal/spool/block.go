package spool

// block holds blockSize bytes of a blob, or says where they are.
type block struct {
	// buf is nil while the block is in the file, and once it is discarded.
	buf       *buffer
	discarded bool
	// onDisk is set while the block takes disk space in the file.
	onDisk bool
	// start and end bound the bytes that were written of a block in memory.
	// Outside of them buf may hold bytes of another blob.
	start, end int64
}

// extend notes that the bytes between from and to are about to be written, and
// fills what lies between them and earlier ones with zeros.
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

// read copies bytes of a block in memory to p, starting at the block's byte from. Bytes
// that were not written are zeros.
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
