//go:build vm && linux

package vm_test

import (
	"os"
	"testing"

	"provstation/station/stationtest/vm"
)

func TestMain(m *testing.M) { os.Exit(vm.Main(m)) }
