package fetch

// span is a range of bytes, end excluded.
type span struct{ start, end int64 }

// without is what is left of a span.
func (s span) without(others spans) spans { return spans{s}.without(others) }

// spans are in any order, and do not overlap.
type spans []span

func (l spans) size() int64 {
	n := int64(0)
	for _, s := range l {
		n += s.end - s.start
	}
	return n
}

// without is what is left of spans, in their order, when others are taken
// from them.
func (l spans) without(others spans) spans {
	for _, o := range others {
		var left spans
		for _, s := range l {
			for _, rest := range []span{{s.start, min(s.end, o.start)}, {max(s.start, o.end), s.end}} {
				if rest.start < rest.end {
					left = append(left, rest)
				}
			}
		}
		l = left
	}
	return l
}
