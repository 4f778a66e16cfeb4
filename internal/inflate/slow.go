package inflate

import "fmt"

// slow decodes symbol by symbol, close to the end of the input or of the output. It stops
// at the end of the block, or when there is enough input and space for fast.
func (d *Decoder) slow() (end bool, err error) {
	for {
		e, ok := d.symbol(d.lit[:], litBits)
		switch {
		case !ok:
			return false, d.truncated()
		case e&isLiteral != 0:
			d.out[d.o] = byte(e >> 16)
			d.o++
		case e&isSpecial != 0:
			if e&isEnd != 0 {
				return true, nil
			}
			return false, d.fail(ErrCorrupt, "a code that does not exist")
		default:
			if err := d.match(e); err != nil {
				return false, err
			}
		}
		if d.moreRoom() || d.moreInput() {
			return false, nil
		}
	}
}

// match copies what a length, e, and the distance that follows it stand for.
func (d *Decoder) match(e uint32) error {
	extra, ok := d.take(uint(e&63) - uint(e>>8&15))
	if !ok {
		return d.truncated()
	}
	length := int(e>>16) + int(extra)
	if e, ok = d.symbol(d.dist[:], distBits); !ok {
		return d.truncated()
	}
	if e&isSpecial != 0 {
		return d.fail(ErrCorrupt, "a code that does not exist")
	}
	if extra, ok = d.take(uint(e&63) - uint(e>>8&15)); !ok {
		return d.truncated()
	}
	distance := int(e>>16) + int(extra)
	if distance > d.o {
		return d.fail(ErrCorrupt, "a distance that leads to before the beginning")
	}
	// If source and target overlap, each turn copies more than the one before.
	for from, end := d.o-distance, d.o+length; d.o < end; {
		d.o += copy(d.out[d.o:end], d.out[from:d.o])
	}
	return nil
}

// full returns the error for more output than was announced.
func (d *Decoder) full() error {
	return d.fail(ErrSize, fmt.Sprintf("more than the %d bytes announced", d.size))
}

// symbol decodes a code and consumes it, but not its extra bits. It returns false
// if the input ends within the code.
func (d *Decoder) symbol(table []uint32, tableBits uint) (uint32, bool) {
	d.refill()
	e := table[d.acc&(1<<tableBits-1)]
	used := uint(e >> 8 & 15)
	if e&(isSpecial|isSubtable) == isSpecial|isSubtable {
		e = table[uint64(e>>16)+d.acc>>tableBits&(1<<used-1)]
		used = tableBits + uint(e>>8&15)
	}
	if used > d.n || e == invalid && d.n < maxBits && d.atEnd() {
		return 0, false
	}
	d.acc >>= used
	d.n -= used
	return e, true
}

// atEnd reports whether there is no more input.
func (d *Decoder) atEnd() bool {
	return d.p == d.end && d.srcErr != nil
}
