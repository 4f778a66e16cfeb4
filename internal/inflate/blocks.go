package inflate

// codeOrder is the order in which the lengths of the code for code lengths
// come (RFC 1951, section 3.2.7).
var codeOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

const preBits = 7

// preEntries are the table entries of that code's symbols.
var preEntries = func() (list [19]uint32) {
	for sym := range list {
		list[sym] = uint32(sym) << 16
	}
	return list
}()

// useFixedCodes gives the fixed codes to a block.
func (d *Decoder) useFixedCodes() {
	d.packs.none()
	if !d.fixed {
		t := d.format.fixed()
		copy(d.lit[:], t.lit[:])
		copy(d.dist[:], t.dist[:])
		d.fixed = true
	}
}

// readCodes reads a dynamic block's codes, and builds their tables.
func (d *Decoder) readCodes() error {
	header, ok := d.take(14)
	if !ok {
		return d.truncated()
	}
	nLit, nDist, nPre := int(header&31)+257, int(header>>5&31)+1, int(header>>10)+4
	if nLit > maxLit || nDist > d.format.maxDist {
		return d.fail(ErrCorrupt, "more symbols than DEFLATE has")
	}
	var preLengths [19]uint8
	for _, sym := range codeOrder[:nPre] {
		n, ok := d.take(3)
		if !ok {
			return d.truncated()
		}
		preLengths[sym] = uint8(n)
	}
	var pre [1 << preBits]uint32
	if !build(pre[:], preBits, preLengths[:], preEntries[:]) {
		return d.fail(ErrCorrupt, "the code of the code lengths is not complete")
	}
	if err := d.readLengths(&pre, nLit+nDist); err != nil {
		return err
	}
	d.fixed = false
	if !build(d.lit[:], litBits, d.lengths[:nLit], d.format.lit[:]) {
		return d.fail(ErrCorrupt, "the code of literals and lengths is not complete")
	}
	if !build(d.dist[:], distBits, d.lengths[nLit:nLit+nDist], d.format.dist[:]) {
		return d.fail(ErrCorrupt, "the code of distances is not complete")
	}
	d.packs.begin(d.written(), nLit)
	return nil
}

// readLengths reads n code lengths.
func (d *Decoder) readLengths(pre *[1 << preBits]uint32, n int) error {
	for i := 0; i < n; {
		if d.n < preBits+7 {
			d.refill()
		}
		e := pre[d.acc&(1<<preBits-1)]
		used := uint(e & 63)
		if used > d.n || e == invalid && d.n < preBits {
			return d.truncated()
		}
		if e == invalid {
			return d.fail(ErrCorrupt, "a code that does not exist")
		}
		d.acc >>= used
		d.n -= used
		sym := uint8(e >> 16)
		if sym < 16 {
			d.lengths[i] = sym
			i++
			continue
		}
		least, extra, value := 3, uint(2), uint8(0)
		switch sym {
		case 16:
			if i == 0 {
				return d.fail(ErrCorrupt, "a repetition of nothing")
			}
			value = d.lengths[i-1]
		case 17:
			extra = 3
		case 18:
			least, extra = 11, 7
		}
		more, ok := d.take(extra)
		if !ok {
			return d.truncated()
		}
		times := least + int(more)
		if times > n-i {
			return d.fail(ErrCorrupt, "more code lengths than symbols")
		}
		for range times {
			d.lengths[i] = value
			i++
		}
	}
	return nil
}

// stored copies a block that is not compressed (RFC 1951, section 3.2.4).
func (d *Decoder) stored() error {
	d.refill()
	d.acc >>= d.n & 7
	d.n &^= 7
	size, ok1 := d.take(16)
	check, ok2 := d.take(16)
	if !ok1 || !ok2 {
		return d.truncated()
	}
	if size^check != 0xffff {
		return d.fail(ErrCorrupt, "the size of a stored block contradicts itself")
	}
	d.p -= int(d.n / 8)
	d.acc, d.n = 0, 0
	for left := int(size); left > 0; {
		if err := d.room(); err != nil {
			return err
		}
		d.fill(1)
		if d.p == d.end {
			return d.truncated()
		}
		n := copy(d.out[d.o:min(outputSize, d.o+left)], d.in[d.p:d.end])
		d.o += n
		d.p += n
		left -= n
	}
	return nil
}
