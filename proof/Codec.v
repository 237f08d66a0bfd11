(** * The log's bytes: decoding undoes encoding, and a cut log is a prefix

    A model of docs/format.md: numbers as LEB128 in their shortest form, batches of events coded
    as differences (replay-log/src/records.ts, event-codecs.ts), chunks chained by checksums
    (chunk.ts). Bytes are numbers here; a checksum is any function. Left out: compression (a chunk's
    payload is what is stored), UTF-8 (a marker's text is its bytes), landmarks and outputs (no
    part of what is fed back), and the zeros that a file system may leave after a crash. *)

From Coq Require Import ZArith NArith List Lia Bool ZifyN ZifyBool.
From CASMotion Require Import Machine Replay Premises Sufficiency Corollaries.
Import ListNotations.
Open Scope N_scope.

Ltac Zify.zify_post_hook ::= Z.div_mod_to_equations.

Notation Bytes := (list N).

(** What reads: a value and the bytes after it, or refusal. *)
Definition Reader (A : Type) := Bytes -> option (A * Bytes).

Notation "'let*' p := c 'in' k" :=
  (match c with Some p => k | None => None end)
  (at level 200, p pattern, k at level 200, only parsing).

(** ** Numbers *)

(** [uvarint] of packages/base/src/bytes.ts, at most [fuel] bytes. *)
Fixpoint put_varint (fuel : nat) (n : N) : Bytes :=
  match fuel with
  | O => []
  | S fuel => if n <? 128 then [n] else (n mod 128 + 128) :: put_varint fuel (n / 128)
  end.

(** Refuses a last byte of 0 after others: the form would not be the shortest. *)
Fixpoint get_varint (fuel : nat) (is_first : bool) : Reader N := fun bytes =>
  match fuel, bytes with
  | S fuel, b :: rest =>
    if b <? 128 then
      if (b =? 0) && negb is_first then None else Some (b, rest)
    else
      let* (v, rest') := get_varint fuel false rest in Some (b - 128 + 128 * v, rest')
  | _, _ => None
  end.

Definition SAFE : N := 2 ^ 53.
Definition put_uvarint := put_varint 8.
Definition get_uvarint : Reader N := fun bytes =>
  let* (v, rest) := get_varint 8 true bytes in if v <? SAFE then Some (v, rest) else None.

Lemma varint_inverse fuel n is_first rest :
  (0 < fuel)%nat -> n < 128 ^ N.of_nat fuel -> (is_first = false -> n <> 0) ->
  get_varint fuel is_first (put_varint fuel n ++ rest) = Some (n, rest).
Proof.
  revert n is_first. induction fuel as [|fuel IH]; intros n is_first Hf Hn Hz; [lia|].
  cbn [put_varint]. destruct (N.ltb_spec n 128) as [Hlt|Hge]; cbn [app get_varint].
  - destruct (N.ltb_spec n 128); [|lia].
    destruct (N.eqb_spec n 0) as [->|]; [|reflexivity].
    destruct is_first; [reflexivity | exfalso; apply Hz; reflexivity].
  - destruct (N.ltb_spec (n mod 128 + 128) 128) as [H|_]; [lia|].
    assert (0 < fuel)%nat as Hfuel by (destruct fuel; [simpl in Hn|]; lia).
    rewrite IH; [f_equal; f_equal; lia | lia | | intros _; lia].
    rewrite Nnat.Nat2N.inj_succ, N.pow_succ_r' in Hn.
    apply N.div_lt_upper_bound; lia.
Qed.

Lemma uvarint_inverse n rest : n < SAFE -> get_uvarint (put_uvarint n ++ rest) = Some (n, rest).
Proof.
  intros H. unfold get_uvarint, put_uvarint. rewrite varint_inverse; [|lia| |discriminate].
  - destruct (N.ltb_spec n SAFE); [reflexivity | lia].
  - unfold SAFE in H. assert (2 ^ 53 < 128 ^ N.of_nat 8) by reflexivity. lia.
Qed.

Lemma uvarint_some_bytes n : (1 <= length (put_uvarint n))%nat.
Proof. unfold put_uvarint. simpl. destruct (n <? 128); simpl; lia. Qed.

(** A program counter as its difference to the one before, modulo 2^64, zigzag. *)
Definition M64 : N := 2 ^ 64.

Definition zigzag (d : N) : N := if d <? 2 ^ 63 then 2 * d else 2 * (M64 - d) - 1.
Definition unzigzag (z : N) : N := if z mod 2 =? 0 then z / 2 else M64 - (z + 1) / 2.

Definition put_delta (before now : N) : Bytes :=
  put_varint 10 (zigzag ((now + M64 - before) mod M64)).
Definition get_delta (before : N) : Reader N := fun bytes =>
  let* (z, rest) := get_varint 10 true bytes in
  if z <? M64 then Some ((before + unzigzag z) mod M64, rest) else None.

Lemma zigzag_inverse d : d < M64 -> zigzag d < M64 /\ unzigzag (zigzag d) = d.
Proof.
  intros H. unfold zigzag, unzigzag. change (2 ^ 63) with 9223372036854775808.
  change M64 with 18446744073709551616 in *.
  destruct (N.ltb_spec d 9223372036854775808) as [Hd|Hd]; (split; [lia|]).
  - rewrite (N.mul_comm 2 d), N.mod_mul, N.div_mul by discriminate. reflexivity.
  - set (k := 18446744073709551616 - d) in *.
    assert (2 * k - 1 = 1 + (k - 1) * 2) as -> by lia.
    rewrite N.mod_add by discriminate. change (1 mod 2 =? 0) with false. cbv iota.
    replace (1 + (k - 1) * 2 + 1) with (k * 2) by lia.
    rewrite N.div_mul by discriminate. lia.
Qed.

Lemma delta_inverse before now rest :
  before < M64 -> now < M64 ->
  get_delta before (put_delta before now ++ rest) = Some (now, rest).
Proof.
  intros Hb Hn. unfold get_delta, put_delta.
  set (d := (now + M64 - before) mod M64).
  destruct (zigzag_inverse d) as [Hz E]; [apply N.mod_lt; discriminate|].
  rewrite varint_inverse; [|lia| |discriminate].
  2: { assert (M64 < 128 ^ N.of_nat 10) by reflexivity. lia. }
  destruct (N.ltb_spec (zigzag d) M64); [|lia]. rewrite E. f_equal. f_equal.
  unfold d. rewrite N.add_mod_idemp_r by discriminate.
  replace (before + (now + M64 - before)) with (now + 1 * M64) by lia.
  rewrite N.mod_add by discriminate. apply N.mod_small. assumption.
Qed.

(** ** Events *)

(** packages/events; a power event's cause by its number, a marker's text as bytes. *)
Inductive Event :=
| ClockLine (jump_ticks slope : N)
| IdleAdvance (ticks : N)
| PortRaised (port : N)
| ConsoleInput (console : N) (bytes : Bytes)
| NetPacket (nic : N) (bytes : Bytes)
| Entropy (bytes : Bytes)
| Power (cause : N)
| Marker (text : Bytes).

Definition between (least most n : N) : bool := (least <=? n) && (n <=? most).
Definition size (bytes : Bytes) : N := N.of_nat (length bytes).

(** The bounds of docs/format.md, "events". *)
Definition in_bounds (e : Event) : bool :=
  match e with
  | ClockLine jump slope => between 0 (2 ^ 52) jump && between 1 (2 ^ 48 - 1) slope
  | IdleAdvance ticks => between 0 (2 ^ 52) ticks
  | PortRaised port => between 1 4095 port
  | ConsoleInput console bytes => between 0 15 console && between 1 65536 (size bytes)
  | NetPacket nic bytes => between 0 7 nic && between 14 65550 (size bytes)
  | Entropy bytes => between 1 65536 (size bytes)
  | Power cause => between 0 3 cause
  | Marker text => between 0 4096 (size text)
  end.

Definition kind (e : Event) : N :=
  match e with
  | ClockLine _ _ => 1 | IdleAdvance _ => 2 | PortRaised _ => 3 | ConsoleInput _ _ => 4
  | NetPacket _ _ => 5 | Entropy _ => 6 | Power _ => 7 | Marker _ => 8
  end.

Definition put_blob (bytes : Bytes) : Bytes := put_uvarint (size bytes) ++ bytes.

Definition put_payload (e : Event) : Bytes :=
  match e with
  | ClockLine jump slope => put_uvarint jump ++ put_uvarint slope
  | IdleAdvance ticks => put_uvarint ticks
  | PortRaised port => put_uvarint port
  | ConsoleInput console bytes => put_uvarint console ++ put_blob bytes
  | NetPacket nic bytes => put_uvarint nic ++ put_blob bytes
  | Entropy bytes => put_blob bytes
  | Power cause => put_uvarint cause
  | Marker text => put_blob text
  end.

Definition get_number (least most : N) : Reader N := fun bytes =>
  let* (n, rest) := get_uvarint bytes in if between least most n then Some (n, rest) else None.

Definition get_bytes (count : N) : Reader Bytes := fun bytes =>
  if count <=? size bytes
  then Some (firstn (N.to_nat count) bytes, skipn (N.to_nat count) bytes) else None.

Definition get_blob (least most : N) : Reader Bytes := fun bytes =>
  let* (count, rest) := get_number least most bytes in get_bytes count rest.

Definition get_payload (k : N) : Reader Event := fun bytes =>
  match k with
  | 1 =>
    let* (jump, rest) := get_number 0 (2 ^ 52) bytes in
    let* (slope, rest) := get_number 1 (2 ^ 48 - 1) rest in Some (ClockLine jump slope, rest)
  | 2 => let* (ticks, rest) := get_number 0 (2 ^ 52) bytes in Some (IdleAdvance ticks, rest)
  | 3 => let* (port, rest) := get_number 1 4095 bytes in Some (PortRaised port, rest)
  | 4 =>
    let* (console, rest) := get_number 0 15 bytes in
    let* (blob, rest) := get_blob 1 65536 rest in Some (ConsoleInput console blob, rest)
  | 5 =>
    let* (nic, rest) := get_number 0 7 bytes in
    let* (blob, rest) := get_blob 14 65550 rest in Some (NetPacket nic blob, rest)
  | 6 => let* (blob, rest) := get_blob 1 65536 bytes in Some (Entropy blob, rest)
  | 7 => let* (cause, rest) := get_number 0 3 bytes in Some (Power cause, rest)
  | 8 => let* (text, rest) := get_blob 0 4096 bytes in Some (Marker text, rest)
  | _ => None
  end.

Lemma number_inverse least most n rest :
  most < SAFE -> between least most n = true ->
  get_number least most (put_uvarint n ++ rest) = Some (n, rest).
Proof.
  intros Hm Hb. unfold get_number. rewrite uvarint_inverse.
  - rewrite Hb. reflexivity.
  - unfold between in Hb. lia.
Qed.

Lemma bytes_inverse bytes rest : get_bytes (size bytes) (bytes ++ rest) = Some (bytes, rest).
Proof.
  unfold get_bytes, size. rewrite app_length, Nnat.Nat2N.id.
  destruct (N.leb_spec (N.of_nat (length bytes)) (N.of_nat (length bytes + length rest))); [|lia].
  rewrite firstn_app, skipn_app, PeanoNat.Nat.sub_diag, firstn_all, skipn_all. simpl.
  rewrite app_nil_r. reflexivity.
Qed.

Lemma blob_inverse least most bytes rest :
  most < SAFE -> between least most (size bytes) = true ->
  get_blob least most (put_blob bytes ++ rest) = Some (bytes, rest).
Proof.
  intros Hm Hb. unfold get_blob, put_blob. rewrite <- app_assoc.
  rewrite number_inverse by assumption. apply bytes_inverse.
Qed.

Lemma payload_inverse e rest :
  in_bounds e = true -> get_payload (kind e) (put_payload e ++ rest) = Some (e, rest).
Proof.
  intros H. destruct e; unfold in_bounds in H; unfold get_payload, kind, put_payload;
    try (rewrite andb_true_iff in H; destruct H as [H H']); rewrite <- ?app_assoc;
    repeat first
      [ rewrite number_inverse by (reflexivity || assumption)
      | rewrite blob_inverse by (reflexivity || assumption) ]; reflexivity.
Qed.

Lemma payload_some_bytes e : (1 <= length (put_payload e))%nat.
Proof.
  destruct e; unfold put_payload, put_blob; rewrite ?app_length;
    match goal with |- context [put_uvarint ?n] => pose proof (uvarint_some_bytes n) end; lia.
Qed.

(** ** Batches of events *)

Record Logged := {
  step : N;
  wakes : N;
  check : option (N * Bytes);
  event : Event
}.

Definition has (bit : N) (b : bool) : N := if b then bit else 0.
Definition is_some {A} (o : option A) : bool := match o with Some _ => true | None => false end.

Definition tag (e : Logged) : N :=
  kind (event e) + has 64 (negb (wakes e =? 0)) + has 128 (is_some (check e)).

Definition put_check (pc : N) (c : option (N * Bytes)) : Bytes :=
  match c with None => [] | Some (now, digest) => put_delta pc now ++ digest end.

Definition put_event (step0 pc : N) (e : Logged) : Bytes :=
  tag e :: put_uvarint (step e - step0) ++
  (if wakes e =? 0 then [] else put_uvarint (wakes e)) ++
  put_check pc (check e) ++ put_payload (event e).

Definition pc_after (pc : N) (e : Logged) : N :=
  match check e with None => pc | Some (now, _) => now end.

Fixpoint put_events (step0 pc : N) (events : list Logged) : Bytes :=
  match events with
  | [] => []
  | e :: rest => put_event step0 pc e ++ put_events (step e) (pc_after pc e) rest
  end.

Definition get_check (has_it : bool) (pc : N) : Reader (option (N * Bytes)) := fun bytes =>
  if has_it then
    let* (now, rest) := get_delta pc bytes in
    let* (digest, rest) := get_bytes 4 rest in Some (Some (now, digest), rest)
  else Some (None, bytes).

Definition get_wakes (has_it : bool) : Reader N := fun bytes =>
  if has_it then get_number 1 (2 ^ 32) bytes else Some (0, bytes).

Definition get_event (step0 pc : N) : Reader Logged := fun bytes =>
  match bytes with
  | [] => None
  | t :: rest =>
    let* (ahead, rest) := get_uvarint rest in
    if step0 + ahead <? SAFE then
      let* (w, rest) := get_wakes ((t / 64) mod 2 =? 1) rest in
      let* (c, rest) := get_check (t / 128 =? 1) pc rest in
      let* (e, rest) := get_payload (t mod 64) rest in
      Some ({| step := step0 + ahead; wakes := w; check := c; event := e |}, rest)
    else None
  end.

Fixpoint get_events (count : nat) (step0 pc : N) : Reader (list Logged) := fun bytes =>
  match count with
  | O => Some ([], bytes)
  | S count =>
    let* (e, rest) := get_event step0 pc bytes in
    let* (events, rest) := get_events count (step e) (pc_after pc e) rest in
    Some (e :: events, rest)
  end.

Definition sound (e : Logged) : Prop :=
  step e < SAFE /\ wakes e <= 2 ^ 32 /\ in_bounds (event e) = true /\
  match check e with None => True | Some (pc, digest) => pc < M64 /\ size digest = 4 end.

(** Steps never fall. *)
Fixpoint rising (step0 : N) (events : list Logged) : Prop :=
  match events with
  | [] => True
  | e :: rest => step0 <= step e /\ rising (step e) rest
  end.

Lemma tag_parts e :
  tag e mod 64 = kind (event e) /\ ((tag e / 64) mod 2 =? 1) = negb (wakes e =? 0) /\
  (tag e / 128 =? 1) = is_some (check e).
Proof.
  unfold tag, has. destruct (event e), (negb (wakes e =? 0)), (is_some (check e)); auto.
Qed.

Lemma event_inverse step0 pc e rest :
  sound e -> step0 <= step e -> pc < M64 ->
  get_event step0 pc (put_event step0 pc e ++ rest) = Some (e, rest).
Proof.
  intros (Hs & Hw & He & Hc) Hle Hpc. unfold get_event, put_event. simpl.
  rewrite <- !app_assoc. rewrite uvarint_inverse by lia.
  replace (step0 + (step e - step0)) with (step e) by lia.
  destruct (N.ltb_spec (step e) SAFE); [|lia].
  destruct (tag_parts e) as (-> & -> & ->).
  assert (get_wakes (negb (wakes e =? 0))
    ((if wakes e =? 0 then [] else put_uvarint (wakes e)) ++
      put_check pc (check e) ++ put_payload (event e) ++ rest) =
    Some (wakes e, put_check pc (check e) ++ put_payload (event e) ++ rest)) as ->.
  { destruct (N.eqb_spec (wakes e) 0) as [E|E]; simpl; [rewrite E; reflexivity|].
    apply number_inverse; [reflexivity|]. unfold between. lia. }
  assert (get_check (is_some (check e)) pc
    (put_check pc (check e) ++ put_payload (event e) ++ rest) =
    Some (check e, put_payload (event e) ++ rest)) as ->.
  { destruct (check e) as [[now digest]|]; simpl; [|reflexivity]. destruct Hc as [Hnow Hd].
    unfold get_check. rewrite <- app_assoc, delta_inverse by assumption.
    rewrite <- Hd at 1. rewrite bytes_inverse. reflexivity. }
  rewrite payload_inverse by assumption. destruct e; reflexivity.
Qed.

Lemma pc_after_small pc e : sound e -> pc < M64 -> pc_after pc e < M64.
Proof.
  intros (_ & _ & _ & Hc) Hpc. unfold pc_after. destruct (check e) as [[now d]|]; [apply Hc|auto].
Qed.

Lemma events_inverse events step0 pc rest :
  Forall sound events -> rising step0 events -> pc < M64 ->
  get_events (length events) step0 pc (put_events step0 pc events ++ rest) = Some (events, rest).
Proof.
  revert step0 pc. induction events as [|e events IH]; intros step0 pc Hs Hr Hpc; [reflexivity|].
  inversion Hs as [|? ? He Hes]; subst. destruct Hr as [Hle Hr].
  cbn [length put_events get_events]. rewrite <- app_assoc, event_inverse by assumption.
  rewrite IH; [reflexivity | assumption | assumption | apply pc_after_small; assumption].
Qed.

Lemma events_min_bytes events step0 pc :
  (3 * length events <= length (put_events step0 pc events))%nat.
Proof.
  revert step0 pc. induction events as [|e events IH]; intros step0 pc; [simpl; lia|].
  cbn [length put_events]. unfold put_event.
  cbn [app length]. rewrite !app_length.
  pose proof (uvarint_some_bytes (step e - step0)). pose proof (payload_some_bytes (event e)).
  specialize (IH (step e) (pc_after pc e)). lia.
Qed.

Definition first_step (events : list Logged) : N :=
  match events with [] => 0 | e :: _ => step e end.

(** [encodeEvents]: the number of the first event, its step, how many, then the events. *)
Definition put_batch (number : N) (events : list Logged) : Bytes :=
  put_uvarint number ++ put_uvarint (first_step events) ++
  put_uvarint (N.of_nat (length events)) ++ put_events (first_step events) 0 events.

(** [decodeEvents]: refuses another number than [expected], a count that the bytes cannot hold,
    and bytes after the last event. *)
Definition get_batch (expected : N) (bytes : Bytes) : option (list Logged) :=
  let* (number, rest) := get_uvarint bytes in
  if number =? expected then
    let* (step0, rest) := get_uvarint rest in
    let* (count, rest) := get_uvarint rest in
    if count * 3 <=? size rest then
      let* (events, rest) := get_events (N.to_nat count) step0 0 rest in
      match rest with [] => Some events | _ => None end
    else None
  else None.

Definition sound_batch (number : N) (events : list Logged) : Prop :=
  number < SAFE /\ N.of_nat (length events) < SAFE /\ Forall sound events /\
  rising (first_step events) events.

(** Decoding undoes encoding. *)
Theorem batch_inverse number events :
  sound_batch number events -> get_batch number (put_batch number events) = Some events.
Proof.
  intros (Hn & Hl & Hs & Hr). unfold get_batch, put_batch.
  rewrite uvarint_inverse by assumption. rewrite N.eqb_refl.
  assert (first_step events < SAFE) as Hfirst.
  { destruct events as [|e events]; [reflexivity|]. inversion Hs as [|? ? He _]; subst. apply He. }
  rewrite uvarint_inverse by assumption. rewrite uvarint_inverse by assumption.
  pose proof (events_min_bytes events (first_step events) 0) as Hmin.
  unfold size at 1.
  destruct (N.leb_spec (N.of_nat (length events) * 3)
    (N.of_nat (length (put_events (first_step events) 0 events)))); [|lia].
  rewrite Nnat.Nat2N.id.
  pose proof (events_inverse events (first_step events) 0 [] Hs Hr eq_refl) as E.
  rewrite app_nil_r in E. rewrite E. reflexivity.
Qed.

(** ** Chunks *)

Definition put_u32 (n : N) : Bytes :=
  [n mod 256; n / 256 mod 256; n / 65536 mod 256; n / 16777216 mod 256].
Definition u32_of (b0 b1 b2 b3 : N) : N := b0 + 256 * b1 + 65536 * b2 + 16777216 * b3.

Lemma u32_inverse n : n < 2 ^ 32 ->
  u32_of (n mod 256) (n / 256 mod 256) (n / 65536 mod 256) (n / 16777216 mod 256) = n.
Proof.
  intros H. change (2 ^ 32) with 4294967296 in H. unfold u32_of.
  assert (n / 65536 = n / 256 / 256) as -> by (rewrite N.div_div by discriminate; reflexivity).
  assert (n / 16777216 = n / 256 / 256 / 256) as ->
    by (rewrite !N.div_div by discriminate; reflexivity).
  pose proof (N.div_mod n 256 ltac:(discriminate)).
  pose proof (N.div_mod (n / 256) 256 ltac:(discriminate)).
  pose proof (N.div_mod (n / 256 / 256) 256 ltac:(discriminate)).
  rewrite (N.mod_small (n / 256 / 256 / 256)); [lia|].
  repeat apply N.div_lt_upper_bound; (discriminate || exact H).
Qed.

Record Chunk := {
  chunk_type : N;
  flags : N;
  payload : Bytes
}.

Definition PAYLOAD_MAX : N := 4194304.
Definition fits (c : Chunk) : Prop := size (payload c) <= PAYLOAD_MAX.

Section Chunks.
  (** Any checksum: what is shown here does not rest on its strength. *)
  Variable checksum : Bytes -> N.
  Definition crc (bytes : Bytes) : N := checksum bytes mod 2 ^ 32.

  Definition head_of (chain : N) (c : Chunk) : N :=
    crc (put_u32 chain ++ [chunk_type c; flags c] ++ put_u32 (size (payload c))).
  Definition chain_after (chain : N) (c : Chunk) : N :=
    crc (put_u32 (head_of chain c) ++ payload c).

  Definition put_chunk (chain : N) (c : Chunk) : Bytes :=
    [chunk_type c; flags c] ++ put_u32 (size (payload c)) ++ put_u32 (head_of chain c) ++
    payload c ++ put_u32 (chain_after chain c).

  Fixpoint put_chunks (chain : N) (cs : list Chunk) : Bytes :=
    match cs with
    | [] => []
    | c :: rest => put_chunk chain c ++ put_chunks (chain_after chain c) rest
    end.

  (** Where reading stopped: the file ends with a chunk, within one, or something is wrong. *)
  Inductive Stop := Clean | Cut | Damaged.

  Inductive Found :=
  | FoundChunk (c : Chunk) (chain : N) (rest : Bytes)
  | FoundStop (why : Stop).

  (** [decodeChunkHead] and [checkChunkBody] *)
  Definition get_chunk (chain : N) (bytes : Bytes) : Found :=
    match bytes with
    | [] => FoundStop Clean
    | t :: f :: l0 :: l1 :: l2 :: l3 :: h0 :: h1 :: h2 :: h3 :: rest =>
      let head := crc (put_u32 chain ++ [t; f; l0; l1; l2; l3]) in
      let length := u32_of l0 l1 l2 l3 in
      if negb (head =? u32_of h0 h1 h2 h3) then FoundStop Damaged
      else if PAYLOAD_MAX <? length then FoundStop Damaged
      else if size rest <? length + 4 then FoundStop Cut
      else
        let payload := firstn (N.to_nat length) rest in
        let body := crc (put_u32 head ++ payload) in
        match skipn (N.to_nat length) rest with
        | b0 :: b1 :: b2 :: b3 :: rest =>
          if body =? u32_of b0 b1 b2 b3
          then FoundChunk {| chunk_type := t; flags := f; payload := payload |} body rest
          else FoundStop Damaged
        | _ => FoundStop Cut
        end
    | _ => FoundStop Cut
    end.

  Fixpoint get_chunks (fuel : nat) (chain : N) (bytes : Bytes) : list Chunk * Stop :=
    match fuel with
    | O => ([], Cut)
    | S fuel =>
      match get_chunk chain bytes with
      | FoundStop why => ([], why)
      | FoundChunk c chain' rest =>
        let (cs, why) := get_chunks fuel chain' rest in (c :: cs, why)
      end
    end.

  Lemma crc_small bytes : crc bytes < 2 ^ 32.
  Proof. unfold crc. apply N.mod_lt. discriminate. Qed.

  Lemma get_put_chunk chain c rest :
    fits c -> get_chunk chain (put_chunk chain c ++ rest) = FoundChunk c (chain_after chain c) rest.
  Proof.
    intros Hf. unfold fits, PAYLOAD_MAX in Hf. unfold put_chunk, put_u32 at 1 2.
    cbn [app]. unfold get_chunk.
    rewrite (u32_inverse (size (payload c))) by (change (2 ^ 32) with 4294967296; lia).
    change (crc (put_u32 chain ++ [chunk_type c; flags c; size (payload c) mod 256;
      size (payload c) / 256 mod 256; size (payload c) / 65536 mod 256;
      size (payload c) / 16777216 mod 256])) with (head_of chain c).
    rewrite (u32_inverse (head_of chain c)) by apply crc_small.
    rewrite N.eqb_refl. cbn [negb].
    destruct (N.ltb_spec PAYLOAD_MAX (size (payload c))) as [H|_]; [unfold PAYLOAD_MAX in H; lia|].
    rewrite <- app_assoc. unfold size at 1 2. rewrite !app_length.
    destruct (N.ltb_spec (N.of_nat (length (payload c) +
      (length (put_u32 (chain_after chain c)) + length rest)))
      (N.of_nat (length (payload c)) + 4)) as [H|_]; [simpl in H; lia|].
    unfold size. rewrite Nnat.Nat2N.id.
    rewrite firstn_app, skipn_app, PeanoNat.Nat.sub_diag, firstn_all, skipn_all.
    cbn [firstn skipn app]. rewrite app_nil_r. unfold put_u32 at 1. cbn [app].
    rewrite u32_inverse by apply crc_small.
    change (crc (put_u32 (head_of chain c) ++ payload c)) with (chain_after chain c).
    rewrite N.eqb_refl. destruct c; reflexivity.
  Qed.

  Lemma put_chunk_length chain c : length (put_chunk chain c) = (length (payload c) + 14)%nat.
  Proof. unfold put_chunk. rewrite !app_length. simpl. lia. Qed.

  (** A chunk of which a part is there, is a cut, and never taken for damage. *)
  Lemma cut_chunk chain c n :
    fits c -> (n < length (put_chunk chain c))%nat ->
    get_chunk chain (firstn n (put_chunk chain c)) =
      FoundStop (if (n =? 0)%nat then Clean else Cut).
  Proof.
    intros Hf Hn. rewrite put_chunk_length in Hn.
    unfold fits, PAYLOAD_MAX in Hf. unfold put_chunk, put_u32 at 1 2. cbn [app].
    do 10 (destruct n as [|n]; [reflexivity|]). cbn [firstn PeanoNat.Nat.eqb].
    unfold get_chunk.
    rewrite (u32_inverse (size (payload c))) by (change (2 ^ 32) with 4294967296; lia).
    change (crc (put_u32 chain ++ [chunk_type c; flags c; size (payload c) mod 256;
      size (payload c) / 256 mod 256; size (payload c) / 65536 mod 256;
      size (payload c) / 16777216 mod 256])) with (head_of chain c).
    rewrite (u32_inverse (head_of chain c)) by apply crc_small.
    rewrite N.eqb_refl. cbn [negb].
    destruct (N.ltb_spec PAYLOAD_MAX (size (payload c))) as [H|_]; [unfold PAYLOAD_MAX in H; lia|].
    unfold size at 1. rewrite firstn_length, app_length.
    change (length (put_u32 (chain_after chain c))) with 4%nat.
    destruct (N.ltb_spec (N.of_nat (Nat.min n (length (payload c) + 4))) (size (payload c) + 4))
      as [_|H]; [reflexivity|]. unfold size in H. lia.
  Qed.

  (** The first [n] bytes of a file hold its first chunks, whole and unchanged, and nothing else;
      they are never taken for damage. *)
  Theorem cut_file_is_prefix fuel chain cs n :
    Forall fits cs -> (length cs < fuel)%nat ->
    exists j, fst (get_chunks fuel chain (firstn n (put_chunks chain cs))) = firstn j cs /\
      snd (get_chunks fuel chain (firstn n (put_chunks chain cs))) <> Damaged /\
      (length (put_chunks chain cs) <= n -> j = length cs /\
        snd (get_chunks fuel chain (firstn n (put_chunks chain cs))) = Clean)%nat.
  Proof.
    revert fuel chain n. induction cs as [|c cs IH]; intros fuel chain n Hf Hfuel;
      (destruct fuel as [|fuel]; [simpl in Hfuel; lia|]).
    - exists 0%nat. cbn [put_chunks]. rewrite firstn_nil. cbn. repeat split; discriminate.
    - inversion Hf as [|? ? Hc Hcs]; subst. cbn [put_chunks length] in *.
      destruct (Compare_dec.le_lt_dec (length (put_chunk chain c)) n) as [Hle|Hlt].
      + rewrite firstn_app, firstn_all2 by assumption.
        cbn [get_chunks]. rewrite get_put_chunk by assumption.
        destruct (IH fuel (chain_after chain c) (n - length (put_chunk chain c))%nat Hcs ltac:(lia))
          as (j & Hj & Hd & Hall).
        exists (S j). destruct (get_chunks fuel (chain_after chain c) _) as [cs' why].
        cbn [fst snd firstn] in *. split; [f_equal; assumption|]. split; [assumption|].
        rewrite app_length. intros H. destruct (Hall ltac:(lia)) as [-> ->]. auto.
      + exists 0%nat. rewrite firstn_app.
        replace (n - length (put_chunk chain c))%nat with 0%nat by lia.
        cbn [firstn get_chunks]. rewrite app_nil_r, cut_chunk by assumption.
        cbn [fst snd]. split; [reflexivity|]. split; [destruct (n =? 0)%nat; discriminate|].
        rewrite app_length. lia.
  Qed.

  (** ** A cut file replays *)

  (** A chunk of events for each batch; numbers run through. *)
  Fixpoint chunks_of (number : N) (batches : list (list Logged)) : list Chunk :=
    match batches with
    | [] => []
    | b :: rest =>
      {| chunk_type := 2; flags := 0; payload := put_batch number b |} ::
      chunks_of (number + N.of_nat (length b)) rest
    end.

  Fixpoint events_of (number : N) (cs : list Chunk) : option (list Logged) :=
    match cs with
    | [] => Some []
    | c :: rest =>
      match get_batch number (payload c) with
      | None => None
      | Some events =>
        match events_of (number + N.of_nat (length events)) rest with
        | None => None
        | Some later => Some (events ++ later)
        end
      end
    end.

  Fixpoint sound_batches (number : N) (batches : list (list Logged)) : Prop :=
    match batches with
    | [] => True
    | b :: rest =>
      sound_batch number b /\ size (put_batch number b) <= PAYLOAD_MAX /\
      sound_batches (number + N.of_nat (length b)) rest
    end.

  Lemma chunks_fit number batches : sound_batches number batches ->
    Forall fits (chunks_of number batches).
  Proof.
    revert number. induction batches as [|b batches IH]; intros number H; constructor.
    - apply H.
    - apply IH. apply H.
  Qed.

  Lemma events_of_prefix number batches j : sound_batches number batches ->
    events_of number (firstn j (chunks_of number batches)) = Some (concat (firstn j batches)).
  Proof.
    revert number j. induction batches as [|b batches IH]; intros number j H.
    - destruct j; reflexivity.
    - destruct j as [|j]; [reflexivity|]. destruct H as (Hb & _ & Hrest).
      cbn [chunks_of firstn events_of payload concat].
      rewrite batch_inverse by assumption. rewrite IH by assumption. reflexivity.
  Qed.

  Lemma chunks_of_length number batches : length (chunks_of number batches) = length batches.
  Proof.
    revert number. induction batches as [|b batches IH]; intros number; simpl; [|rewrite IH]; auto.
  Qed.

  Lemma concat_firstn {A} (ls : list (list A)) j :
    exists m, concat (firstn j ls) = firstn m (concat ls).
  Proof.
    revert j. induction ls as [|l ls IH]; intros j.
    - exists 0%nat. destruct j; reflexivity.
    - destruct j as [|j]; [exists 0%nat; reflexivity|].
      destruct (IH j) as [m E]. exists (length l + m)%nat. simpl.
      rewrite firstn_app_2, E. reflexivity.
  Qed.

  #[local] Instance key_eq_dec : EqDec (N * N).
  Proof. intros a b. repeat decide equality. Defined.

  Section Replays.
    Context {State Input : Type}.

    (** The time point of an event in the log is its step, and how many wakes of that step came
        before it. *)
    Definition entries_logged (events : list Logged) : Log Input Event (N * N) :=
      map (fun e => ((step e, wakes e), Happened (event e))) events.

    (** From the bytes to the run. A recording that satisfies the premises was written to a file;
        the file was cut after any number of bytes. Then what is left can be read, is not taken
        for damage, and replays a prefix of the run; all of it, if no byte is missing. *)
    Theorem cut_file_replays (rec : Recording State Input Event (N * N)) p batches chain n :
      sound_batches 0 batches ->
      premises rec p (entries_logged (concat batches)) ->
      let file := put_chunks chain (chunks_of 0 batches) in
      let (cs, why) := get_chunks (S (length batches)) chain (firstn n file) in
      exists events i,
        events_of 0 cs = Some events /\ why <> Damaged /\
        succeeds p (entries_logged events) (prefix i (made rec)) /\
        ((length file <= n)%nat -> why = Clean /\ events = concat batches).
    Proof.
      intros Hs H file.
      destruct (cut_file_is_prefix (S (length batches)) chain (chunks_of 0 batches) n)
        as (j & Hj & Hd & Hall).
      - apply chunks_fit. assumption.
      - rewrite chunks_of_length. lia.
      - unfold file. destruct (get_chunks _ _ _) as [cs why]. cbn [fst snd] in *. subst cs.
        destruct (concat_firstn batches j) as [m E].
        destruct (cut_recording_replays rec p _ m H) as (i & Hi & _).
        exists (concat (firstn j batches)), i.
        split; [apply events_of_prefix; assumption|]. split; [assumption|]. split.
        + rewrite E. unfold entries_logged in *. rewrite <- firstn_map. assumption.
        + intros Hn. destruct (Hall Hn) as [-> ->]. split; [reflexivity|].
          rewrite chunks_of_length, firstn_all. reflexivity.
    Qed.
  End Replays.
End Chunks.
