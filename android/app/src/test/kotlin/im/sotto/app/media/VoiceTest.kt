package im.sotto.app.media

import android.Manifest
import android.content.Intent
import android.content.pm.PackageManager
import android.graphics.Bitmap
import android.media.MediaRecorder
import android.net.Uri
import android.os.SystemClock
import android.provider.MediaStore
import android.view.MotionEvent
import im.sotto.app.FailingCore
import im.sotto.app.R
import im.sotto.app.chat.ChatStory
import im.sotto.ffi.SottoCode
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.annotation.Implementation
import org.robolectric.annotation.Implements
import org.robolectric.shadows.ShadowMediaPlayer
import org.robolectric.shadows.ShadowMediaRecorder
import org.robolectric.shadows.ShadowStatFs
import java.io.File
import java.io.IOException

/** What comes from the microphone and the camera. The platform's own parts are shadows: the test writes their files. */
class VoiceTest : ChatStory() {
    @Test
    fun aNoteIsSentByHoldingOrByTappingAndPlayed() {
        meet()
        touch(MotionEvent.ACTION_DOWN)
        assertTrue("nothing is recorded without permission", !isShown(R.id.recording))
        @Suppress("DEPRECATION")
        val denied = intArrayOf(PackageManager.PERMISSION_DENIED)
        phone.screen.onRequestPermissionsResult(VOICE, arrayOf(MICROPHONE), denied)
        phone.sees(string(R.string.media_no_microphone))
        shadowOf(app).grantPermissions(MICROPHONE)

        touch(MotionEvent.ACTION_DOWN)
        phone.until("it records") { isShown(R.id.recording) }
        speak(2_000)
        phone.sees(string(R.string.media_recording, "00:02"))
        touch(MotionEvent.ACTION_UP)
        assertEquals(2, note(1).single())
        phone.until("nothing is left of it") { copies().isEmpty() }

        touch(MotionEvent.ACTION_DOWN)
        speak(2_000)
        touch(MotionEvent.ACTION_MOVE, 600f)
        touch(MotionEvent.ACTION_UP, 600f)
        assertTrue("pulled aside, it is gone", !isShown(R.id.recording) && copies().isEmpty())

        touch(MotionEvent.ACTION_DOWN)
        touch(MotionEvent.ACTION_UP)
        speak(5_000)
        phone.tap(R.id.recording_send)
        assertEquals(setOf(2, 5), note(2).toSet())

        touch(MotionEvent.ACTION_DOWN)
        assertTrue("the display stays on", checkNotNull(phone.find(R.id.recording)).keepScreenOn)
        speak(5_000)
        phone.cover()
        phone.sees(string(R.string.media_recorded, "00:05"))
        assertTrue("nothing is recorded", !checkNotNull(phone.find(R.id.recording)).keepScreenOn)
        phone.recreate()
        phone.sees(string(R.string.media_recorded, "00:05"))
        assertEquals("whoever leaves sends nothing", 2, note(2).size)
        phone.tap(R.id.recording_cancel)
        assertTrue("and keeps nothing", !isShown(R.id.recording) && app.cacheDir.list().orEmpty().isEmpty())

        val players = ArrayList<ShadowMediaPlayer>()
        ShadowMediaPlayer.setCreateListener { _, shadow -> players += shadow }
        ShadowMediaPlayer.setMediaInfoProvider { ShadowMediaPlayer.MediaInfo(5_000, PREPARED_MS) }
        phone.until("a note") { phone.described(string(R.string.media_voice_play)) }
        phone.views().first { it.contentDescription == string(R.string.media_voice_play) }.performClick()
        phone.until("a player") { players.isNotEmpty() }
        phone.cover()
        phone.sleep(2L * PREPARED_MS)
        assertTrue("left before it began, it stays silent", !phone.described(string(R.string.media_voice_pause)))
        ShadowMediaPlayer.setMediaInfoProvider { ShadowMediaPlayer.MediaInfo(5_000, 0) }
        phone.until("both notes") { phone.views().count { it.id == R.id.wave && it.isShown } == 2 }
        phone.tap(string(R.string.media_voice_play))
        phone.until("it plays") { phone.described(string(R.string.media_voice_pause)) }
        phone.tap(string(R.string.media_voice_pause))
        phone.until("it rests") { !phone.described(string(R.string.media_voice_pause)) }
        assertEquals(2, note(2).size)
        phone.back()
        assertEquals(setOf(ShadowMediaPlayer.State.END), players.map { it.state }.toSet())
    }

    /** The platform says of no failure that the disk is full. */
    @Implements(MediaRecorder::class)
    class Recorder : ShadowMediaRecorder() {
        @Implementation
        override fun prepare() = if (failing == "prepare") throw IOException("prepare failed") else super.prepare()

        @Implementation
        override fun stop() {
            super.stop()
            if (failing == "stop") throw RuntimeException("stop failed: -1007")
        }
    }

    private fun disk(free: Int) = ShadowStatFs.registerStats(app.cacheDir, 1_000_000, free, free)

    @Test
    @Config(shadows = [Recorder::class])
    fun aFullDiskIsSaidAndLeavesNothingBehind() {
        meet()
        shadowOf(app).grantPermissions(MICROPHONE)
        for ((free, text) in listOf(0 to R.string.error_storage_full, 500_000 to R.string.media_no_microphone)) {
            disk(free)
            failing = "prepare"
            touch(MotionEvent.ACTION_DOWN)
            told(text)
            touch(MotionEvent.ACTION_UP)
            failing = "stop"
            touch(MotionEvent.ACTION_DOWN)
            speak(2_000)
            touch(MotionEvent.ACTION_UP)
            told(text)
            touch(MotionEvent.ACTION_DOWN)
            speak(2_000)
            phone.cover()
            told(text)
        }
        failing = ""
        touch(MotionEvent.ACTION_DOWN)
        phone.sleep(200)
        phone.tap(R.id.recording_send)
        told(R.string.media_too_short)
    }

    private fun told(text: Int) {
        phone.sees(string(text))
        assertTrue("nothing is left", !isShown(R.id.recording) && copies().isEmpty())
        phone.sleep(6_000)
    }

    @Test
    fun aNoteThatTheDiskDoesNotTakeComesBack() {
        meet()
        shadowOf(app).grantPermissions(MICROPHONE)
        val core = FailingCore.of(app.await { app.sotto() })
        core.send = SottoCode.STORAGE_FULL
        touch(MotionEvent.ACTION_DOWN)
        speak(2_000)
        touch(MotionEvent.ACTION_UP)
        phone.sees(string(R.string.error_storage_full))
        phone.sees(string(R.string.media_recorded, "00:02"))
        phone.recreate()
        phone.sees(string(R.string.media_recorded, "00:02"))
        phone.tap(R.id.recording_send)
        phone.recreate()
        phone.sees(string(R.string.media_recorded, "00:02"))

        // While it was on its way, the person began the next one: none takes the place of the other.
        val long = copies().single().readBytes()
        checkNotNull(phone.find(R.id.recording_send)).performClick()
        checkNotNull(phone.find(R.id.voice)).performClick()
        phone.sleep(5_000)
        phone.until("why") { isShown(R.id.notice) }
        copies().single { it.length() == 0L }.writeBytes(long + long)
        phone.cover()
        phone.sees(string(R.string.media_recorded, "00:05"))
        core.send = null
        phone.tap(R.id.recording_send)
        phone.sees(string(R.string.media_recorded, "00:02"))
        phone.tap(R.id.recording_send)
        assertEquals(setOf(2, 5), note(2).toSet())
        phone.until("nothing is left of them") { copies().isEmpty() }
    }

    @Test
    fun aPhotoOfTheCameraIsShownAndSent() {
        meet()
        shadowOf(app).grantPermissions(Manifest.permission.CAMERA)
        phone.tap(R.id.attach)
        phone.tap(string(R.string.media_take_photo))
        phone.until("the camera") { phone.left.isNotEmpty() }
        val asked = phone.left.last()
        assertEquals(MediaStore.ACTION_IMAGE_CAPTURE, asked.action)
        val place = checkNotNull(asked.getParcelableExtra(MediaStore.EXTRA_OUTPUT, Uri::class.java))
        checkNotNull(app.contentResolver.openOutputStream(place)).use {
            Bitmap.createBitmap(300, 200, Bitmap.Config.ARGB_8888).compress(Bitmap.CompressFormat.JPEG, 80, it)
        }
        phone.answer(Intent())
        phone.sees(string(R.string.media_send_to, "Bob"))
        phone.tap(string(R.string.chat_send))
        bob.sees("files", "conversation" to this.place, "limit" to 10) { page ->
            page["files"].list.firstOrNull { it["kind"].text == "image" }
        }
        phone.until("no copy stays") { copies().isEmpty() && !CameraProvider.file(app).exists() }
    }

    private fun copies(): List<File> = app.cacheDir.listFiles().orEmpty()
        .filter { file -> listOf("voice-", "note", "send-", "sotto-picture").any(file.name::startsWith) }

    /** Time passes, and the recorder writes. */
    private fun speak(ms: Long) {
        phone.sleep(ms)
        copies().single().writeBytes(ByteArray(8_000) { it.toByte() })
        phone.settle()
    }

    /** Seconds of the voice notes that Bob sees, once there are so many. */
    private fun note(count: Int) = bob.sees("files", "conversation" to place, "limit" to 10) { page ->
        page["files"].list.filter { it["kind"].text == "voice" }
            .map { it["duration_ms"].int / SECOND_MS }
            .takeIf { it.size == count }
    }

    private fun touch(action: Int, x: Float = 0f) {
        val event = MotionEvent.obtain(0, SystemClock.uptimeMillis(), action, x, 0f, 0)
        checkNotNull(phone.find(R.id.voice)).dispatchTouchEvent(event)
        event.recycle()
        phone.settle()
    }

    private companion object {
        /** What of the platform's recorder fails. */
        var failing = ""
        const val MICROPHONE = Manifest.permission.RECORD_AUDIO
        const val VOICE = 15
        const val SECOND_MS = 1_000
        const val PREPARED_MS = 10_000
    }
}
