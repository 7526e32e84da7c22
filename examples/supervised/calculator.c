/* A C library with mistakes, as C libraries have them. */

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>

struct variable {
    long value;
};

/* One of each for the whole process. */
static struct variable *variables[26];
static const char *next;

static long sum(void);

static long operand(void)
{
    if (*next == '(') {
        next++;
        long value = sum();
        assert(*next == ')');
        next++;
        return value;
    }
    if (islower((unsigned char)*next)) {
        /* Forgets that there can be no such variable. */
        return variables[*next++ - 'a']->value;
    }
    char *end;
    long value = strtol(next, &end, 10);
    assert(end != next);
    next = end;
    return value;
}

static long sum(void)
{
    long value = operand();
    while (*next == '+' || *next == '-') {
        value += *next++ == '+' ? operand() : -operand();
    }
    return value;
}

/* Gives a variable a value. Its name is a lower case letter. */
void calculator_set(unsigned char name, long value)
{
    struct variable **variable = &variables[name - 'a'];
    if (*variable == NULL) {
        *variable = malloc(sizeof **variable);
        assert(*variable != NULL);
    }
    (*variable)->value = value;
}

/* Returns the value of a sum of numbers and variables. */
long calculator_value(const char *text)
{
    next = text;
    long value = sum();
    assert(*next == '\0');
    return value;
}
