/* TestU01's batteries (L'Ecuyer and Simard, ACM TOMS 33, 2007) on random words from standard input.

     cc -O2 benchmarks/testu01.c -ltestu01 -ltestu01probdist -ltestu01mylib -lm -o testu01
     python benchmarks/words.py --stream counters | ./testu01 small

   A 64-bit word is read as two of 32 bits, the lower half first. Batteries: small (SmallCrush), crush
   (Crush), big (BigCrush), rabbit and alphabit (on 2^32 bits). The report ends with the p-values that
   TestU01 finds suspect: below 0.001 or above 0.999. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <TestU01.h>

#define BLOCK 65536

static unsigned int block[BLOCK];
static size_t place = BLOCK;
static double drawn = 0;

static unsigned int next_word(void)
{
    if (place == BLOCK) {
        if (fread(block, sizeof block[0], BLOCK, stdin) != BLOCK) {
            fprintf(stderr, "testu01: the words on standard input ended\n");
            exit(1);
        }
        place = 0;
    }
    drawn += 1;
    return block[place++];
}

int main(int argc, char **argv)
{
    const char *battery = argc == 2 ? argv[1] : "";
    const double bits = 4294967296.0;
    unif01_Gen *words = unif01_CreateExternGenBits("words from standard input", next_word);

    swrite_Basic = FALSE; /* the summary only */
    if (!strcmp(battery, "small"))
        bbattery_SmallCrush(words);
    else if (!strcmp(battery, "crush"))
        bbattery_Crush(words);
    else if (!strcmp(battery, "big"))
        bbattery_BigCrush(words);
    else if (!strcmp(battery, "rabbit"))
        bbattery_Rabbit(words, bits);
    else if (!strcmp(battery, "alphabit"))
        bbattery_Alphabit(words, bits, 0, 32);
    else {
        fprintf(stderr, "usage: testu01 small | crush | big | rabbit | alphabit\n");
        return 2;
    }
    printf("words of 32 bits read: %.4g\n", drawn);
    for (int test = 0; test < bbattery_NTests; test++)
        printf("%s p = %.6g\n", bbattery_TestNames[test], bbattery_pVal[test]);
    unif01_DeleteExternGenBits(words);
    return 0;
}
