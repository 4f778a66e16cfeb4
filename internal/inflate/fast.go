package inflate

import "encoding/binary"

const (
	// inMargin is how much input the fast loop needs ahead: an iteration refills twice, from
	// 8 bytes each time, and consumes 7 at most in between.
	inMargin = 16
	// outMargin is how much space for output it needs: seven literals, of which the loop in
	// Go has two, and a match of 258 bytes. What is written beyond the match's end goes to
	// the slack.
	outMargin = 7 + maxMatch
	maxMatch  = 258
)

// stop says why the fast loop ended.
type stop int

const (
	stopMargin   stop = iota // input or output is short
	stopEnd                  // the block ended
	stopDistance             // a distance leads to before the beginning
	stopInvalid              // a code that does not exist
)

// fast decodes as long as there is plenty of input and of space for output. It is one long
// function so that its variables stay in registers. For the same reason all arrays are
// fields of d, and indices are masked: the arrays then share one base register, and no index
// needs a check.
func (d *Decoder) fast() stop {
	p, o := d.p, d.o
	acc, n := d.acc, d.n // only the low 6 bits of n count
	inEnd, outEnd := d.end-inMargin, outputSize-outMargin
	if p > inEnd || o > outEnd {
		return stopMargin
	}
	why := stopMargin
	p, acc, n = d.in.refill(p, acc, n)
	// The entry of the code that acc begins with is looked up early, before what the last
	// code stands for is written.
	e := d.lit[acc%(1<<litBits)]

	for p <= inEnd && o <= outEnd {
		if e&isLiteral != 0 {
			// These take 11 bits at most: three of them, or two and a length, 20 bits, are
			// fewer than the 56 there are.
			w := (*[3]byte)(d.out[o&(outputSize-1):])
			w[0] = byte(e >> 16)
			o++
			acc >>= e & 63
			n -= uint(e)
			e = d.lit[acc%(1<<litBits)]
			if e&isLiteral != 0 {
				w[1] = byte(e >> 16)
				o++
				acc >>= e & 63
				n -= uint(e)
				e = d.lit[acc%(1<<litBits)]
				if e&isLiteral != 0 {
					w[2] = byte(e >> 16)
					o++
					acc >>= e & 63
					n -= uint(e)
					p, acc, n = d.in.refill(p, acc, n)
					e = d.lit[acc%(1<<litBits)]
					continue
				}
			}
			p, acc, n = d.in.refill(p, acc, n)
		}
		if e&isSpecial != 0 {
			if e&isSubtable != 0 {
				acc >>= litBits
				n -= litBits
				e = d.lit[(uint64(e>>16)+acc&(1<<(e>>8&15)-1))%litSize]
				if e&isLiteral != 0 {
					d.out[o&(outputSize-1)] = byte(e >> 16)
					o++
					acc >>= e & 63
					n -= uint(e)
					p, acc, n = d.in.refill(p, acc, n)
					e = d.lit[acc%(1<<litBits)]
					continue
				}
			}
			if e&isEnd != 0 {
				acc >>= e & 63
				n -= uint(e)
				why = stopEnd
				break
			}
			if e&isSpecial != 0 {
				why = stopInvalid
				break
			}
		}
		// A length takes 20 bits at most and a distance 28, of 56.
		before := acc
		acc >>= e & 63
		n -= uint(e)
		length := int(e>>16) + int((before^acc<<(e&63))>>(e>>8&15))

		e = d.dist[acc%(1<<distBits)]
		if e&isSpecial != 0 {
			if e&isSubtable != 0 {
				acc >>= distBits
				n -= distBits
				e = d.dist[(uint64(e>>16)+acc&(1<<(e>>8&15)-1))%distSize]
			}
			if e&isSpecial != 0 {
				why = stopInvalid
				break
			}
		}
		before = acc
		acc >>= e & 63
		n -= uint(e)
		distance := int(e>>16) + int((before^acc<<(e&63))>>(e>>8&15))
		if distance > o {
			why = stopDistance
			break
		}
		p, acc, n = d.in.refill(p, acc, n)
		e = d.lit[acc%(1<<litBits)]

		from, end := o-distance, o+length
		switch {
		case distance >= 16:
			to, source := (*[32]byte)(d.out[o&(outputSize-1):]), (*[32]byte)(d.out[from&(outputSize-1):])
			*(*[16]byte)(to[:16]) = *(*[16]byte)(source[:16])
			*(*[16]byte)(to[16:]) = *(*[16]byte)(source[16:])
			for o += 32; o < end; o += 16 {
				d.out.move16(o, o-distance)
			}
		case distance >= 8:
			for ; o < end; o += 8 {
				d.out.move8(o, o-distance)
			}
		case distance == 1:
			v := uint64(d.out[from&(outputSize-1)]) * 0x0101010101010101
			for ; o < end; o += 8 {
				d.out.store8(o, v)
			}
		default:
			// Each turn copies 8 bytes, of which the first are right: as many as the distance.
			for ; o < end; o += distance {
				d.out.move8(o, from)
				from += distance
			}
		}
		o = end
	}
	d.p, d.o, d.acc, d.n = p, o, acc, n&63
	return why
}

// refill adds whole bytes to acc, which has n bits, as long as they fit. It loads 8 bytes at
// p. The bits of acc above n are already those of the bytes from p on, so adding them again
// changes nothing.
func (b *input) refill(p int, acc uint64, n uint) (int, uint64, uint) {
	acc |= binary.LittleEndian.Uint64(b[p&(inputSize-1):]) << (n & 63)
	return p + 7 - int(n>>3&7), acc, n | 56
}

func (b *output) store8(to int, v uint64) {
	binary.LittleEndian.PutUint64(b[to&(outputSize-1):], v)
}

func (b *output) move8(to, from int) {
	b.store8(to, binary.LittleEndian.Uint64(b[from&(outputSize-1):]))
}

func (b *output) move16(to, from int) {
	*(*[16]byte)(b[to&(outputSize-1):]) = *(*[16]byte)(b[from&(outputSize-1):])
}
