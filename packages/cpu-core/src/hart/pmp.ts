/**
 * Physical memory protection: 16 entries, checked wherever no fast TLB entry vouches. Priv. 1.12
 * §3.7.
 */
import { type FunctionRef, I64, load, type WasmModule } from '@casmotion/wasm-asm';
import { PMP_ADDR, PMP_COUNT } from './layout.ts';
import { PRIVILEGE } from './status.ts';
import { word } from './words.ts';

/** Permission bits of a pmpcfg byte. */
export const PMP = { R: 1, W: 2, X: 4, L: 0x80, TOR: 1, NA4: 2, NAPOT: 3 } as const;

/**
 * Adds `pmpAllows(address, size, permission, privilege) -> i32`: 1 if all `size` bytes lie in the
 * first entry that matches any of them and it permits, or if none matches and the privilege is M.
 * Asked for a whole page it says whether a fast TLB entry may vouch for the page.
 */
export function definePmpAllows(module: WasmModule): FunctionRef {
  const params = { address: 'i64', size: 'i64', permission: 'i64', privilege: 'i64' } as const;
  return module.func('pmpAllows', params, 'i32', (f, { address, size, permission, privilege }) => {
    const end = f.let(address.get.add(size.get));
    const low = f.local('i64');
    const high = f.local('i64');
    const config = f.local('i64');
    const previous = f.local('i64');
    const at = f.local('i64');
    for (let i = 0; i < PMP_COUNT; i++) {
      const configs = i < 8 ? word('pmpcfg0') : word('pmpcfg2');
      f.set(config, configs.shrU((i % 8) * 8).and(0xff));
      f.set(at, load.i64(0, PMP_ADDR + i * 8));
      const mode = config.get.shrU(3).and(3);
      f.if(mode.ne(0), () => {
        f.if(
          mode.eq(PMP.TOR),
          () => {
            f.set(low, i === 0 ? I64.const(0) : previous.get.shl(2));
            f.set(high, at.get.shl(2));
          },
          () => {
            // NAPOT: the lowest 0 and the 1s below it give the size; NA4: 4 bytes.
            const ones = at.get.xor(at.get.add(1)).select(0, mode.eq(PMP.NAPOT));
            f.set(low, at.get.and(ones.xor(-1)).shl(2));
            f.set(high, low.get.add(ones.add(1).shl(2)));
          },
        );
        // A TOR range whose bounds do not ascend matches nothing (§3.7.1).
        const isRange = low.get.ltU(high.get);
        f.if(isRange.and(address.get.ltU(high.get)).and(end.gtU(low.get)), () => {
          f.if(address.get.ltU(low.get).or(end.gtU(high.get)), () => f.return(0));
          const isUnlocked = config.get.and(PMP.L).eqz();
          f.if(privilege.get.eq(PRIVILEGE.machine).and(isUnlocked), () => f.return(1));
          f.return(config.get.and(permission.get).ne(0));
        });
      });
      f.set(previous, at.get);
    }
    f.return(privilege.get.eq(PRIVILEGE.machine));
  });
}
