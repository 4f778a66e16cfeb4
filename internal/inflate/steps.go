package inflate

// step is some literals and the match that follows them. A match of length 0 is none.
type step struct {
	literals         uint32
	length, distance uint16
}

// fast is Decoder.fast for a Scout. Where that copies a match, this makes a step. The rest is
// the same on purpose: one loop for both would be slower.
func (s *Scout) fast() stop {
	d := &s.d
	p, o := d.p, d.o
	acc, n := d.acc, d.n // only the low 6 bits of n count
	inEnd, outEnd := d.end-inMargin, outputSize-outMargin
	if p > inEnd || o > outEnd {
		return stopMargin
	}
	why := stopMargin
	p, acc, n = d.in.refill(p, acc, n)
	e := d.lit[acc%(1<<litBits)]
	mark, i := s.mark-s.kept, s.n // mark is relative to out, as o is

	for p <= inEnd && o <= outEnd && i < maxSteps-1 {
		if e&isLiteral != 0 {
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
		before := acc
		acc >>= e & 63
		n -= uint(e)
		length := uint16(e>>16) + uint16((before^acc<<(e&63))>>(e>>8&15))

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
		distance := uint16(e>>16) + uint16((before^acc<<(e&63))>>(e>>8&15))
		p, acc, n = d.in.refill(p, acc, n)
		e = d.lit[acc%(1<<litBits)]
		s.steps[i] = step{uint32(o - mark), length, distance}
		i++
		mark = o
	}
	s.mark, s.n = mark+s.kept, i
	d.p, d.o, d.acc, d.n = p, o, acc, n&63
	return why
}

// follow carries out the steps of a Scout.
func (d *Decoder) follow(s *Scout) error {
	for i, at := d.carryOut(s, 0, 0); i < s.n; i, at = d.carryOut(s, i, at) {
		st := &s.steps[i]
		end := at + int(st.literals)
		if err := d.followFar(s.literals[at:end]); err != nil {
			return err
		}
		st.literals, at = 0, end
		if int(st.distance) > d.o {
			return d.fail(ErrCorrupt, "a distance that leads to before the beginning")
		}
	}
	return nil
}

// followFar copies literals, and makes room for the match that follows them.
func (d *Decoder) followFar(literals []byte) error {
	for {
		n := copy(d.out[d.o:max(d.o, outputSize-maxMatch)], literals)
		d.o += n
		if literals = literals[n:]; len(literals) == 0 && d.o <= outputSize-maxMatch {
			return nil
		}
		if err := d.slide(); err != nil {
			return err
		}
	}
}

// few literals are copied at once.
const few = 16

// carryInGo carries out steps of a Scout from step i on, whose literals begin at s.literals[at].
// It stops at a step for which there is no space, or whose distance is too large, and returns
// that step, and where its literals begin. It is like fast: what is written beyond the end of
// literals or of a match is overwritten, or lies in the slack.
func (d *Decoder) carryInGo(s *Scout, i, at int) (int, int) {
	o := d.o
	for ; i < s.n; i++ {
		st := &s.steps[i]
		n, distance := int(st.literals), int(st.distance)
		if o+n > outputSize-maxMatch || distance > o+n {
			break
		}
		if n <= few {
			*(*[few]byte)(d.out[o&(outputSize-1):]) = *(*[few]byte)(s.literals[at&(maxLiterals-1):])
		} else {
			copy(d.out[o:o+n], s.literals[at:at+n])
		}
		at += n
		o += n
		end := o + int(st.length)
		if distance < 16 {
			d.out.copyNear(o, distance, end)
		} else {
			to, source := (*[32]byte)(d.out[o&(outputSize-1):]), (*[32]byte)(d.out[(o-distance)&(outputSize-1):])
			*(*[16]byte)(to[:16]) = *(*[16]byte)(source[:16])
			*(*[16]byte)(to[16:]) = *(*[16]byte)(source[16:])
			for o += 32; o < end; o += 16 {
				d.out.move16(o, o-distance)
			}
		}
		o = end
	}
	d.o = o
	return i, at
}

// copyNear copies what lies fewer than 16 bytes before o, repeatedly up to end.
func (b *output) copyNear(o, distance, end int) {
	from := o - distance
	switch {
	case distance >= 8:
		for ; o < end; o += 8 {
			b.move8(o, o-distance)
		}
	case distance == 1:
		v := uint64(b[from&(outputSize-1)]) * 0x0101010101010101
		for ; o < end; o += 8 {
			b.store8(o, v)
		}
	default:
		// Each turn copies 8 bytes, of which the first are right: as many as the distance.
		for ; o < end; o += distance {
			b.move8(o, from)
			from += distance
		}
	}
}
