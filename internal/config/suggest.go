package config

import (
	"fmt"

	"github.com/artifetch/artifetch/internal/suggest"
)

// didYouMean returns a hint to append to a message, or "".
func didYouMean(given string, known []string) string {
	if s := suggest.Nearest(given, known); s != "" {
		return fmt.Sprintf(" (did you mean %s?)", s)
	}
	return ""
}
