/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers of configuration space that the bridge uses (PCI Local Bus 3.0 §6.1, §6.8.2).
 */
#ifndef IOREQD_BRIDGE_PCI_REGISTERS_H
#define IOREQD_BRIDGE_PCI_REGISTERS_H

#define PCI_CONFIG_SIZE 256u

#define PCI_VENDOR             0x00u
#define PCI_DEVICE             0x02u
#define PCI_COMMAND            0x04u
#define PCI_STATUS             0x06u
#define PCI_REVISION           0x08u
#define PCI_CLASS              0x09u
#define PCI_CACHE_LINE_SIZE    0x0cu
#define PCI_LATENCY_TIMER      0x0du
#define PCI_HEADER_TYPE        0x0eu
#define PCI_BAR0               0x10u
#define PCI_BAR_END            0x28u
#define PCI_SUBSYSTEM_VENDOR   0x2cu
#define PCI_SUBSYSTEM          0x2eu
#define PCI_CAPABILITY_POINTER 0x34u
#define PCI_INTERRUPT_LINE     0x3cu
#define PCI_INTERRUPT_PIN      0x3du
#define PCI_FIRST_CAPABILITY   0x40u

#define PCI_COMMAND_IO           0x0001u
#define PCI_COMMAND_MEMORY       0x0002u
#define PCI_COMMAND_BUS_MASTER   0x0004u
#define PCI_COMMAND_PARITY       0x0040u
#define PCI_COMMAND_SERR         0x0100u
#define PCI_COMMAND_INTX_DISABLE 0x0400u

#define PCI_STATUS_INTERRUPT    0x0008u
#define PCI_STATUS_CAPABILITIES 0x0010u
#define PCI_STATUS_ERRORS       0xf900u /* write 1 to clear */

#define PCI_HEADER_MULTIFUNCTION 0x80u

#define PCI_BAR_IO_SPACE 0x1u
#define PCI_BAR_64BIT    0x4u
#define PCI_BAR_PREFETCH 0x8u

#define PCI_CAPABILITY_MSI  0x05u
#define PCI_CAPABILITY_MSIX 0x11u

#define PCI_MSI_CONTROL       2u
#define PCI_MSI_ADDRESS       4u
#define PCI_MSI_DATA          12u
#define PCI_MSI_MASK          16u
#define PCI_MSI_PENDING       20u
#define PCI_MSI_LENGTH        24u
#define PCI_MSI_ENABLE        0x0001u
#define PCI_MSI_CAPABLE_SHIFT 1u
#define PCI_MSI_GRANTED_SHIFT 4u
#define PCI_MSI_GRANTED_MASK  0x0070u
#define PCI_MSI_64BIT         0x0080u
#define PCI_MSI_MASKABLE      0x0100u

#define PCI_MSIX_CONTROL       2u
#define PCI_MSIX_TABLE         4u
#define PCI_MSIX_PENDING       8u
#define PCI_MSIX_LENGTH        12u
#define PCI_MSIX_FUNCTION_MASK 0x4000u
#define PCI_MSIX_ENABLE        0x8000u

#endif
