package search

import (
	"slices"
	"testing"
	"time"
)

// The frontier of a list is where its items show an order that reaches back to it.
func TestOrder(t *testing.T) {
	t.Parallel()
	span := func(from, to, step int) []int {
		var list []int
		for m := from; m*step <= to*step; m += step {
			list = append(list, m)
		}
		return list
	}
	fall, rise := span(-100, 0, 1), span(-100, 0, 1)
	slices.Reverse(fall)
	with := func(list []int, at, minute int) []int { return slices.Insert(slices.Clone(list), at, minute) }
	none := 1
	for name, tt := range map[string]struct {
		minutes    []int // times, in the list's order
		want       int   // the minute of the frontier less the slack, or none
		disordered bool
	}{
		"nothing":                            {nil, none, false},
		"newest first":                       {fall, -98, false},
		"too few":                            {[]int{0, -50}, none, false},
		"oldest first":                       {rise, none, true},
		"oldest first, within the slack":     {span(-9, 0, 1), none, false},
		"all of one minute":                  {make([]int, 100), none, false},
		"one too old, in the middle":         {with(fall, 50, -95), -98, false},
		"one too old, in front":              {with(fall, 0, -95), -98, false},
		"one too old, at the end":            {with(fall, 101, -1000), -99, false},
		"one too new":                        {with(fall, 80, -5), -98, false},
		"one too new, and the last":          {with(fall, 101, 20), none, true},
		"eleven of a hundred and eleven":     {append(span(-109, -99, 1), fall...), none, true},
		"turned round within the slack":      {[]int{0, -9, -3, -12, -20, -15, -30, -25, -40}, -25, false},
		"one of nine, which is one too many": {[]int{0, -100, -10, -20, -30, -40, -50, -60, -70}, none, false},
	} {
		o := order{slack: artifactSlack}
		for _, m := range tt.minutes {
			o.add(epoch.Add(time.Duration(m) * time.Minute))
			o.add(time.Time{})
		}
		want := unread
		if tt.want != none {
			want = epoch.Add(time.Duration(tt.want)*time.Minute + artifactSlack)
		}
		if got := o.frontier(); !got.Equal(want) || o.disordered() != tt.disordered {
			t.Errorf("%s: the frontier is %s, disordered %v; want %s, %v", name, got, o.disordered(), want, tt.disordered)
		}
	}
}
