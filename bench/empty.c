/* empty.c - what the start and the end of a process cost, and nothing else
 *
 * SPDX-License-Identifier: 0BSD
 */
int main(void)
{
    return 0;
}
