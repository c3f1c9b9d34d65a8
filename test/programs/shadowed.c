/* A block begins where the function does, with a variable that is called as the parameter. */
int sum;

__attribute__((noinline)) int add(int n) {
    for (int n = 5; n < 7; n++)
        sum += n;
    return sum + n;
}

int main(void) {
    return add(42) != 53;
}
