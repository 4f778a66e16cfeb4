package spool

import (
	"errors"
	"math"
	"strings"
	"testing"
)

func TestQuota(t *testing.T) {
	t.Parallel()
	a := diskOf(100)
	b := a.of.Share()
	for i, step := range []struct {
		do       func() error
		fails    string
		reserved int64
	}{
		{func() error { return a.of.Check(100) }, "", 0},
		{func() error { return a.of.Check(101) }, "/out needs 101 B or more, but its disk has only 100 B free", 0},
		{func() error { return a.Reserve(60) }, "", 60},
		{func() error { return b.Reserve(41) }, "/out needs 101 B or more", 60},
		{func() error { return b.Reserve(math.MaxInt64) }, "needs 8.0 EiB or more", 60},
		{func() error { return b.Reserve(40) }, "", 100},
		{func() error { return a.Reserve(0) }, "", 100},
		{func() error { return a.Reserve(-50) }, "", 100}, // a hostile size
		{func() error { a.Release(math.MinInt64); return nil }, "", 100},
		{func() error { return a.Reserve(1) }, "needs 101 B", 100},
		{func() error { a.ReleaseAll(); return nil }, "", 40},
		{func() error { b.Release(10); return b.Reserve(70) }, "", 100},
		{func() error { b.Release(1000); b.Release(1); a.ReleaseAll(); return nil }, "", 0},
	} {
		err := step.do()
		_, isQuota := errors.AsType[*QuotaError](err)
		if (err != nil) != (step.fails != "") || err != nil && (!isQuota || !strings.Contains(err.Error(), step.fails)) {
			t.Errorf("%d: got %v, want %q", i, err, step.fails)
		}
		if a.of.reserved != step.reserved {
			t.Errorf("%d: %d bytes are reserved, want %d", i, a.of.reserved, step.reserved)
		}
	}
	failing := errors.New("no statfs")
	if err := NewQuota("/out", func() (int64, error) { return 0, failing }).Share().Reserve(0); !errors.Is(err, failing) {
		t.Errorf("got %v", err)
	}
}
