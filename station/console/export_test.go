package console

// DenseScripts are the scripts as they cross the line, by name.
func DenseScripts() map[string]string {
	return map[string]string{"look": dense(lookScript), "work": dense(workScript), "sign": dense(signScript), "check": dense(checkScript), "core": dense(coreScript)}
}
