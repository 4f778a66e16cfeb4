package process

import "testing"

func TestGrowth(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		live uint64
		want int
	}{
		{0, 150},
		{1, 150},
		{4 << 20, 150},
		{8 << 20, 100},
		{16 << 20, 50},
		{50 << 20, 16},
		{400 << 20, 10},
		{1 << 62, 10},
	} {
		if got := growth(tt.live); got != tt.want {
			t.Errorf("growth(%d) = %d, want %d", tt.live, got, tt.want)
		}
	}
}
