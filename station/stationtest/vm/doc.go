// Package vm is a rig of virtual machines for tests: Debian's own kernel under QEMU, an initramfs put together here, the
// guest's UARTs as ptys of this machine.
//
//	image := vm.NewImage(t, vm.Cloud)
//	image.GoProgram("/usr/bin/provagent", "./cmd/provagent")
//	image.Service(guest.Service{Name: "agent", Args: []string{"/usr/bin/provagent", "serve", "--tty", "/dev/ttyS1", ...}})
//	m := vm.Start(t, vm.Config{Name: "agent", Image: image, Lines: 1, DiskMiB: 16})
//	m.Line(1)  // path of a symlink to the pty behind the guest's ttyS1, there while the machine has power
//	m.Run("cat", "/proc/version")
//	m.Reset()
//
// A machine has a UART 0 for its console, which goes to a file, UARTs 1 to 3 as asked for, and a channel of its own
// (virtio-serial) on which its first process obeys the test. A test binary that starts machines has
//
//	func TestMain(m *testing.M) { os.Exit(vm.Main(m)) }
//
// which prints a table of them, and fails if one is left running.
//
// The processor is emulated (TCG): a kernel that offers /dev/kvm may still refuse it, and QEMU then ends instead of falling
// back. Times are those of an emulated machine. Out of scope: anything but amd64 guests on Linux hosts of the Debian family.
package vm
