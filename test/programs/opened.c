/* A library that opener.c opens and closes: calls back through a frame of its own. */
void through(void (*call)(long), long n) {
    volatile char room[40];
    room[0] = 1;
    call(n + room[0]);
    room[1] = 2;
}
