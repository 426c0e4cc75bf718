# SPDX-License-Identifier: BSD-2-Clause
# Programs for Linux guests of the lab, which compiles each from its one .c file: cc -static -O2 odd-access.c
EXTRA_DIST += \
	tests/guest/instructions.h \
	tests/guest/mmio-latency.c \
	tests/guest/odd-access.c \
	tests/guest/odd-ports.h \
	tests/guest/pci.h \
	tests/guest/report.h
