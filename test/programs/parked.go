// Goroutines that are parked in the middle of a loop, as there is one thread for 16 of them.
package main

import (
	"fmt"
	"os"
	"runtime"
	"time"
)

//go:noinline
func spin(n *int64, until *bool) int64 {
	for !*until {
		*n += *n ^ 3
		*n -= *n >> 7
		*n++
	}
	return *n
}

func main() {
	runtime.GOMAXPROCS(1)
	until := false
	done := make(chan int64)
	for g := 0; g < 16; g++ {
		go func() {
			var n int64
			done <- spin(&n, &until)
		}()
	}
	time.Sleep(20 * time.Millisecond)
	fmt.Println("ready")
	os.Stdin.Read(make([]byte, 1))
	until = true
	for g := 0; g < 16; g++ {
		<-done
	}
	fmt.Println("done")
}
