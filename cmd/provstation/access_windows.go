package main

// mayReadWrite: Windows asks no permission for serial ports.
func mayReadWrite(string) error { return nil }
