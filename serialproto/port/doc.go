// Package port opens, lists and watches the serial ports of a bench.
//
// It wraps go.bug.st/serial once, so that nothing above it has to know how a
// driver says "unplugged" or what a library does with a descriptor:
//
//   - A read or write that runs out of time is os.ErrDeadlineExceeded, never
//     (0, nil).
//   - Every way to say unplugged (closed port, EIO, end of file, ENXIO, EBADF,
//     ENODEV, the Windows codes) is [ErrGone], delivered after the bytes that
//     had arrived, and from then on by every call at once.
//   - No byte is written after Close. The library writes to a descriptor number
//     that it has closed, and that number may by then be somebody else's file.
//   - No byte is read after Close, for the same reason: readers are stopped
//     before the descriptor is closed.
//   - A write that the line does not take ends at its deadline; one that makes
//     no progress for Config.StuckAfter closes the port with [ErrStuck].
//   - A port that this or another station holds is [ErrBusy], also for root,
//     whom the exclusive mode of a terminal does not stop.
//   - It never sends BREAK: on a Linux console that is SysRq.
//
// # How it works on Linux
//
// Beside the library's descriptor the package keeps one of its own on the same
// device, opened first. It carries the flock that excludes other stations, and
// the process's one poller tells of what happens to it: reads and writes wait
// for that, and the library is called only when the device is ready. So an idle
// port costs neither a thread nor a wake-up, every wait can be interrupted, and
// bytes that come to a port that dozes wake nobody up ([Port.Doze]). On other
// systems a reader with a time limit of 250 ms and a writer that can be left
// behind do the same work with the library alone.
//
// # Slots
//
// A slot is a physical place. [Info.Slot] is the name that udev gives to the
// hub port and interface (as in /dev/serial/by-path), computed from sysfs so
// that it is the same with and without udev and does not arrive later than the
// port. It survives a replug under another device name.
//
// # Serial servers
//
// A path tcp://host:port is a port behind a serial server that passes raw bytes
// (ser2net's raw mode and the like), with the same promises. Telnet and its COM
// port option (RFC 2217) are not spoken, and a server that begins with them is
// [ErrNotSerial]. Nothing on the way is encrypted.
//
// Out of scope: what travels over the line (package serialproto), retries of
// Open while udev is still setting permissions ([ErrPermission] in the first
// fraction of a second after a plug is worth a retry), choosing among ports.
package port
