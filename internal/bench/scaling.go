package main

import (
	"context"
	"fmt"
	"slices"
)

// scale prints how time and memory grow.
func (b *bencher) scale(ctx context.Context, runs int, plots []string) error {
	point := func(plot string, x int, w world) error {
		if !slices.Contains(plots, plot) {
			return nil
		}
		m, err := b.measure(ctx, runs, w, false)
		if err == nil {
			fmt.Printf("%s %d %.3f %.1f\n", plot, x, m.cost[0].took.Seconds(), float64(m.cost[0].rss)/(1<<20))
		}
		return err
	}
	for mib := 1; mib <= 8192; mib *= 2 {
		if err := point("size", mib, world{artifacts: 1, files: min(mib, 64), size: max(mib/64, 1) << 20}); err != nil {
			return err
		}
	}
	for _, n := range []int{1, 10, 100, 1000, 10_000, 50_000, 100_000, 200_000} {
		if err := point("files", n, world{artifacts: 1, files: n, size: 2000}); err != nil {
			return err
		}
	}
	for _, n := range []int{1, 3, 10, 30, 100, 300, 1000} {
		if err := point("artifacts", n, world{artifacts: n, files: 10, size: 24_000}); err != nil {
			return err
		}
	}
	for cores := 1; cores <= 2; cores++ {
		if err := point("cores", cores, world{artifacts: 1, files: 64, size: 4 << 20, cores: cores}); err != nil {
			return err
		}
	}
	return nil
}
