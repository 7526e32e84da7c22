/* A C library with a mistake, as C libraries have them. */

#include <stddef.h>

struct entry {
    int value;
    const struct entry *next;
};

/* Returns the sum of the values of a list, but forgets that a list can be empty. */
int sum_of_list(const struct entry *first)
{
    int sum = 0;
    do {
        sum += first->value;
        first = first->next;
    } while (first != NULL);
    return sum;
}
