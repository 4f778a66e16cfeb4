package report

import (
	"testing"

	"github.com/artifetch/artifetch/internal/testmain"
)

func TestMain(m *testing.M) { testmain.Run(m) }
