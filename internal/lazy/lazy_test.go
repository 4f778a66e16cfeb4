package lazy_test

import (
	"testing"

	"github.com/artifetch/artifetch/internal/lazy"
)

func TestRegexp(t *testing.T) {
	t.Parallel()
	number := lazy.Regexp(`^[0-9]+$`)
	if !number().MatchString("12") || number().MatchString("x") {
		t.Error("the expression is another one")
	}
	if first, second := number(), number(); first != second {
		t.Error("compiled twice")
	}
	bad := lazy.Regexp(`(`) // not compiled yet: it does not panic
	defer func() {
		if recover() == nil {
			t.Error("an expression that is not valid was compiled")
		}
	}()
	bad()
}
